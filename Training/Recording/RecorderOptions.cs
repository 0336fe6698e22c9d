using GumbelGan.Storage;

namespace GumbelGan.Training.Recording;

/// <summary>How a <see cref="RunRecorder"/> works; the defaults serve every run.</summary>
public sealed record RecorderOptions
{
    /// <summary>How long a record may wait in memory before it is handed to the operating system.</summary>
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>What each tag means, in Markdown; TensorBoard shows it beside the chart.</summary>
    public IReadOnlyDictionary<string, string> Descriptions { get; init; } = StandardTags.Descriptions;

    /// <summary>The clock of the flushes and of the events' wall times.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where files land; the disk unless a test says otherwise.</summary>
    public IFileMedium Medium { get; init; } = DiskMedium.Instance;
}
