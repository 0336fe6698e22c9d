using GumbelGan.Training.Configuration;

namespace GumbelGan.Training.Sweeps;

/// <summary>One point of what a sweep tries.</summary>
/// <param name="Name">Part of its runs' folder names; empty for the base configuration itself.</param>
/// <param name="Assignments">What it sets, each with the place in the file that says so.</param>
/// <param name="IsNamed">Whether the user gave it its name, which then is all that a comparison calls it.</param>
public sealed record SweepSetting(string Name, IReadOnlyList<ConfigurationAssignment> Assignments, bool IsNamed)
{
    /// <summary>The base configuration, unchanged.</summary>
    public static SweepSetting Base { get; } = new("", [], false);

    /// <summary>Both settings; where they set the same key the other one wins.</summary>
    internal SweepSetting And(SweepSetting other) => new(
        string.Join(',', ((string[])[Name, other.Name]).Where(name => name.Length > 0)), [.. Assignments, .. other.Assignments],
            IsNamed || other.IsNamed);
}
