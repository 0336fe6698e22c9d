namespace GumbelGan.Tests.Training.Recording;

/// <summary>A clock that stands still until told.</summary>
internal sealed class ManualTime : TimeProvider
{
    /// <summary>What the clock shows.</summary>
    public DateTimeOffset Now { get; set; } = new(2026, 1, 2, 3, 4, 5, 500, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => Now;
}
