namespace GumbelGan.Training.Recording;

/// <summary>
/// How far the records reach, kept in a checkpoint: a run resumed from it forgets what was recorded after the checkpoint, exactly.
/// </summary>
/// <param name="JournalBytes">The length of metrics.jsonl, in bytes.</param>
/// <param name="EventFile">The name, without folder, of the event file being written.</param>
/// <param name="EventBytes">That file's length, in bytes.</param>
public sealed record RecorderPosition(long JournalBytes, string EventFile, long EventBytes);
