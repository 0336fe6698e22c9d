using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using GumbelGan.Storage;

namespace GumbelGan.Training.Recording;

/// <summary>
/// The one place where a run's numbers, texts and histograms are recorded: metrics.jsonl and a TensorBoard event file, which therefore
/// agree. Each call encodes and writes on the caller's thread: recording costs a hundred-thousandth of a step, and needs no thread of its own.
/// </summary>
/// <remarks>
/// Records reach the operating system every few seconds (looked at after each record) and the disk itself at <see cref="Flush"/>, which belongs
/// before every checkpoint: the position that it returns, kept in the checkpoint, lets <see cref="Resume"/> forget exactly what came later, so that
/// each step is recorded once however often a run is killed. A failure to write is thrown by the call in which it happens and by every later one, and
/// nothing more is written. All members may be called from any thread.
/// </remarks>
public sealed class RunRecorder : IDisposable
{
    private readonly Lock _writing = new();
    private readonly RecorderOptions _options;
    private readonly AppendOnlyFile _journal;
    private readonly EventWriter _events;
    private DateTimeOffset _handedOver;
    private ExceptionDispatchInfo? _failure;
    private bool _disposed;

    private RunRecorder(AppendOnlyFile journal, EventWriter events, bool resumed, RecorderOptions options)
    {
        (_journal, _events, _options, Resumed) = (journal, events, options, resumed);
        _handedOver = options.Time.GetUtcNow();
    }

    /// <summary>
    /// Whether this recorder continues the records of a run that was interrupted; what is recorded once at the start, such as the
    /// configuration's text, is then there already.
    /// </summary>
    public bool Resumed { get; }

    /// <summary>Starts the records of a new run.</summary>
    /// <param name="folder">The run's folder, which exists and holds no records yet.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="UserMistakeException">The folder holds records already, or cannot be written to.</exception>
    public static RunRecorder Start(string folder, RecorderOptions? options = null)
    {
        options ??= new RecorderOptions();
        string path = Path.Combine(folder, MetricsJournal.FileName);
        if (File.Exists(path))
        {
            throw new UserMistakeException($"'{folder}' already holds a run; resume it with --resume or choose another folder.");
        }

        return Open(path, FileMode.CreateNew, folder, null, options);
    }

    /// <summary>Continues the records of an interrupted run from a checkpoint, without what was recorded after it.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="step">The checkpoint's step, the last one whose records are kept.</param>
    /// <param name="position">
    /// What <see cref="Flush"/> returned for the checkpoint; the records are then cut back to precisely there. If null, metrics.jsonl keeps
    /// its records of at most <paramref name="step"/>, and only TensorBoard's purge rule hides what older event files hold beyond.
    /// </param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="UserMistakeException">
    /// Records are missing, malformed, or not those of the checkpoint; or the folder cannot be written to.
    /// </exception>
    public static RunRecorder Resume(string folder, long step, RecorderPosition? position = null, RecorderOptions? options = null)
    {
        options ??= new RecorderOptions();
        string path = Path.Combine(folder, MetricsJournal.FileName);
        if (position is null)
        {
            MetricsJournal.KeepSteps(path, step, options.Medium);
        }
        else
        {
            MetricsJournal.KeepBytes(path, position.JournalBytes, options.Medium);
            CutEvents(folder, position);
        }

        return Open(path, FileMode.Append, folder, step, options);
    }

    /// <summary>Records numbers: one line of metrics.jsonl, and one point on each tag's chart.</summary>
    /// <param name="step">The training step, at least 0.</param>
    /// <param name="phase">What the run is doing, for example "adversarial"; only metrics.jsonl holds it.</param>
    /// <param name="scalars">Tag and value, in the order to be kept; values may be NaN or infinite. Charts have single precision.</param>
    /// <exception cref="ArgumentException">A tag is empty, "step", "phase", or given twice.</exception>
    /// <exception cref="UserMistakeException">Earlier records could not be written.</exception>
    public void Scalars(long step, string phase, IReadOnlyList<(string Tag, double Value)> scalars)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentNullException.ThrowIfNull(phase);
        (string Tag, double Value)[] copy = [.. scalars];
        var tags = new HashSet<string>(copy.Length, StringComparer.Ordinal);
        foreach ((string tag, _) in copy)
        {
            if (!MetricsJournal.IsTag(tag) || !tags.Add(tag))
            {
                throw new ArgumentException($"The tag '{tag}' is empty, reserved, or given twice.", nameof(scalars));
            }
        }

        Record(time =>
        {
            MetricsJournal.Format(_journal.Buffer, step, phase, copy);
            _journal.FlushIfLarge();
            _events.Scalars(time, step, copy);
        });
    }

    /// <summary>Records numbers in the order that <paramref name="scalars"/> enumerates.</summary>
    /// <inheritdoc cref="Scalars(long, string, IReadOnlyList{ValueTuple{string, double}})"/>
    public void Scalars(long step, string phase, IReadOnlyDictionary<string, double> scalars) =>
        Scalars(step, phase, [.. scalars.Select(pair => (pair.Key, pair.Value))]);

    /// <summary>
    /// Records a number that depends on the clock, such as a speed: on its chart alone, since metrics.jsonl holds what a run with the same
    /// seed repeats to the last digit.
    /// </summary>
    /// <param name="step">The training step, at least 0.</param>
    /// <param name="tag">Its chart.</param>
    /// <param name="value">May be NaN or infinite.</param>
    /// <exception cref="UserMistakeException">Earlier records could not be written.</exception>
    public void Chart(long step, string tag, double value)
    {
        ArgumentException.ThrowIfNullOrEmpty(tag);
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        Record(time => _events.Scalars(time, step, [(tag, value)]));
    }

    /// <summary>Records Markdown for TensorBoard's text dashboard.</summary>
    /// <param name="tag">For example "samples"; stored as "samples/text_summary", as TorchSharp stores text.</param>
    /// <param name="step">The training step, at least 0.</param>
    /// <param name="markdown">The text.</param>
    /// <exception cref="UserMistakeException">Earlier records could not be written.</exception>
    public void Text(string tag, long step, string markdown)
    {
        ArgumentException.ThrowIfNullOrEmpty(tag);
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentNullException.ThrowIfNull(markdown);
        Record(time => _events.Text(time, step, tag, markdown));
    }

    /// <summary>Records how <paramref name="values"/> are distributed; those that are not finite are left out.</summary>
    /// <param name="tag">For example "weights/embedding".</param>
    /// <param name="step">The training step, at least 0.</param>
    /// <param name="values">Any number of them.</param>
    /// <exception cref="UserMistakeException">Earlier records could not be written.</exception>
    public void Histogram(string tag, long step, ReadOnlySpan<float> values)
    {
        ArgumentException.ThrowIfNullOrEmpty(tag);
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        float[] copy = values.ToArray();
        Record(time => _events.Histogram(time, step, tag, copy));
    }

    /// <summary>
    /// Enters the run into TensorBoard's hyper-parameter table, once, before training; on a resumed run, which is in it, this does nothing.
    /// </summary>
    /// <param name="configuration">Configuration keys and values, for example "generator.hidden" and 512.</param>
    /// <param name="metricTags">Scalars whose last value the table shows, for example "nll/test".</param>
    /// <param name="group">Runs of one group, such as several seeds of one configuration, are averaged in the table; empty for none.</param>
    /// <exception cref="UserMistakeException">Earlier records could not be written.</exception>
    public void HyperParameters(IReadOnlyDictionary<string, HyperParameterValue> configuration, IReadOnlyList<string> metricTags, string group = "")
    {
        if (!Resumed)
        {
            Record(time => _events.HyperParameters(time, configuration, metricTags, group));
        }
    }

    /// <summary>Arranges charts on TensorBoard's custom-scalars page, once, before training; on a resumed run this does nothing.</summary>
    /// <param name="layout">For example <see cref="StandardTags.Layout"/>.</param>
    /// <exception cref="UserMistakeException">Earlier records could not be written.</exception>
    public void CustomScalarLayout(ScalarLayout layout)
    {
        if (!Resumed)
        {
            Record(time => _events.Layout(time, layout));
        }
    }

    /// <summary>Notes in the hyper-parameter table that the run has ended, once, after the last scalars.</summary>
    /// <exception cref="UserMistakeException">Earlier records could not be written.</exception>
    public void EndSession(SessionOutcome outcome) => Record(time => _events.EndSession(time, outcome));

    /// <summary>Returns when everything recorded so far is on the disk itself, with the position to keep in a checkpoint.</summary>
    /// <exception cref="UserMistakeException">It cannot be written: the disk is full, or the folder has vanished.</exception>
    public RecorderPosition Flush()
    {
        lock (_writing)
        {
            Write(() => FlushFiles(toDisk: true));
            return new RecorderPosition(_journal.Length, _events.Name, _events.Length);
        }
    }

    /// <summary>Writes what still waits and closes the files.</summary>
    /// <exception cref="UserMistakeException">It cannot be written, and no earlier call has said so.</exception>
    public void Dispose()
    {
        lock (_writing)
        {
            if (_disposed)
            {
                return;
            }

            try
            {
                if (_failure is null)
                {
                    FlushFiles(toDisk: true);
                }
            }
            finally
            {
                _disposed = true;
                _journal.Dispose();
                _events.Dispose();
            }
        }
    }

    private static RunRecorder Open(string journalPath, FileMode mode, string folder, long? resumedAfter, RecorderOptions options)
    {
        EventWriter? events = null;
        AppendOnlyFile? journal = null;
        try
        {
            // The journal comes last: its presence says that the folder holds a run.
            events = EventWriter.Start(folder, resumedAfter, options);
            journal = new AppendOnlyFile(journalPath, mode, options.Medium);
            options.Medium.PersistFolder(folder);
            return new RunRecorder(journal, events, resumedAfter is not null, options);
        }
        catch (Exception failure)
        {
            events?.Dispose();
            journal?.Dispose();
            if (failure is IOException or UnauthorizedAccessException)
            {
                throw AtomicFile.Explain(journalPath, failure);
            }

            throw;
        }
    }

    // Deletes the event files that were begun after the checkpoint, and cuts the one that was then being written back to its length at that time. A
    // file that is missing
    // is no harm: TensorBoard's files may be deleted at will, and training does not read them.
    private static void CutEvents(string folder, RecorderPosition position)
    {
        if (!position.EventFile.StartsWith(EventWriter.NamePrefix, StringComparison.Ordinal)
            || Path.GetFileName(position.EventFile) != position.EventFile)
        {
            throw new UserMistakeException(
                $"The checkpoint in '{folder}' names '{position.EventFile}', which is no event file; use another checkpoint.");
        }

        try
        {
            foreach (string path in Directory.GetFiles(folder, EventWriter.NamePattern))
            {
                int order = string.CompareOrdinal(Path.GetFileName(path), position.EventFile);
                if (order > 0)
                {
                    File.Delete(path);
                }
                else if (order == 0)
                {
                    using var stream = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.Read);
                    if (stream.Length > position.EventBytes && position.EventBytes >= 0)
                    {
                        stream.SetLength(position.EventBytes);
                        stream.Flush(flushToDisk: true);
                    }
                }
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw AtomicFile.Explain(folder, failure);
        }
    }

    private void Record(Action<DateTimeOffset> write)
    {
        lock (_writing)
        {
            DateTimeOffset now = _options.Time.GetUtcNow();
            Write(() =>
            {
                write(now);
                if (now - _handedOver >= _options.FlushInterval)
                {
                    FlushFiles(toDisk: false);
                    _handedOver = now;
                }
            });
        }
    }

    // A failed write may have left half a record behind, so nothing may be written after it.
    [SuppressMessage("Design", "CA1031", Justification = "It is thrown again, here and by every later call.")]
    private void Write(Action write)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _failure?.Throw();
        try
        {
            write();
        }
        catch (Exception failure)
        {
            _failure = ExceptionDispatchInfo.Capture(failure);
            throw;
        }
    }

    private void FlushFiles(bool toDisk)
    {
        _journal.Flush(toDisk);
        _events.Flush(toDisk);
    }
}
