using System.CommandLine.Parsing;

namespace GumbelGan.Cli.Parsing;

/// <summary>A value that is one of a few, such as an entry of a catalogue or a member of an enumeration, named in lower case.</summary>
/// <param name="all">All of them.</param>
internal sealed class Choice<T>(IEnumerable<T> all)
    where T : notnull
{
    private readonly T[] _all = [.. all];

    /// <summary>Their names.</summary>
    public IEnumerable<string> Names => _all.Select(NameOf);

    /// <summary>What <paramref name="value"/> is called.</summary>
    public static string NameOf(T value) => value.ToString()!.ToLowerInvariant();

    /// <summary>The one called <paramref name="name"/>.</summary>
    public T Named(string name) => _all.First(value => NameOf(value) == name);

    /// <summary>Refuses a word that names none.</summary>
    public void Check(string option, SymbolResult result)
    {
        foreach (Token token in result.Tokens.Where(token => !Names.Contains(token.Value, StringComparer.Ordinal)))
        {
            result.AddError($"{option} must be one of {string.Join(", ", Names)}, not '{token.Value}'");
        }
    }
}
