using GumbelGan.Storage;

namespace GumbelGan.Tests;

internal static class NamedKinds
{
    /// <summary>The entry of a catalogue that has this name.</summary>
    public static T Named<T>(this IEnumerable<T> all, string name)
        where T : INamedKind => all.Single(kind => kind.Name == name);
}
