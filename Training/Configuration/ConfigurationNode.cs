namespace GumbelGan.Training.Configuration;

/// <summary>A piece of parsed YAML that remembers where it stood.</summary>
/// <param name="Where">For messages: "config.yaml, line 3, column 5".</param>
internal abstract record ConfigurationNode(string Where);

/// <summary>A single value. <paramref name="IsPlain"/>: written without quotes, so <c>null</c>, <c>true</c> and numbers mean themselves.</summary>
internal sealed record ScalarNode(string Where, string Text, bool IsPlain) : ConfigurationNode(Where)
{
    public bool IsNull => IsPlain && Text is "" or "null" or "~";
}

/// <summary>A list of values.</summary>
internal sealed record SequenceNode(string Where, IReadOnlyList<ConfigurationNode> Items) : ConfigurationNode(Where);

/// <summary>Keys, each with its place, and what they stand for.</summary>
internal sealed record MappingNode(string Where, IReadOnlyList<(ScalarNode Key, ConfigurationNode Value)> Entries) : ConfigurationNode(Where);
