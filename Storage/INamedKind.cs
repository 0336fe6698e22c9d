namespace GumbelGan.Storage;

/// <summary>
/// One entry of a catalogue that a configuration names, such as a loss. Its class lists all entries in a static property <c>All</c>.
/// </summary>
public interface INamedKind
{
    /// <summary>The name in configurations, in snake case.</summary>
    string Name { get; }
}
