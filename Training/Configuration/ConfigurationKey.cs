namespace GumbelGan.Training.Configuration;

/// <summary>One key of a configuration, as help texts show it.</summary>
/// <param name="Path">Snake-case names joined by dots.</param>
/// <param name="Type">What a value looks like, in words: "whole number, at least 1".</param>
/// <param name="Default">The default as YAML.</param>
/// <param name="Documentation">The property's own summary, on one line; empty if the documentation file is missing.</param>
public sealed record ConfigurationKey(string Path, string Type, string Default, string Documentation)
{
    /// <summary>What a value can be, where it is one of a few; else empty.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];
}
