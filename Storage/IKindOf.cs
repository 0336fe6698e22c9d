namespace GumbelGan.Storage;

/// <summary>A kind that has options of its own. In a configuration these are a section whose key <c>kind</c> names the kind.</summary>
/// <typeparam name="T">The abstract record of which every kind's options are one; it has a property <c>Kind</c>.</typeparam>
public interface IKindOf<out T> : INamedKind
{
    /// <summary>The options of this kind, as they are where nothing is said.</summary>
    T NewOptions();
}
