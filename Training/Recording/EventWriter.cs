using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using GumbelGan.Storage;
using GumbelGan.Training.Recording.Messages;
using Tensorboard;

namespace GumbelGan.Training.Recording;

/// <summary>
/// One TensorBoard event file, kept open. Tags and encodings equal those of TorchSharp's SummaryWriter, which reopens its file for each
/// number and knows neither hyper-parameters nor layouts.
/// </summary>
internal sealed class EventWriter : IDisposable
{
    /// <summary>How the names of event files begin; the rest is seconds since 1970, host, process and a number.</summary>
    public const string NamePrefix = "events.out.tfevents.";

    /// <summary>The names that this class gives, and no other writer's (TorchSharp's have 18 digits), as a file pattern.</summary>
    public const string NamePattern = NamePrefix + "??????????.*";

    private readonly AppendOnlyFile _file;
    private readonly IReadOnlyDictionary<string, string> _descriptions;
    private readonly HashSet<string> _described = new(StringComparer.Ordinal);

    private EventWriter(AppendOnlyFile file, IReadOnlyDictionary<string, string> descriptions) => (_file, _descriptions) = (file, descriptions);

    /// <summary>The file's name without its folder.</summary>
    public string Name => Path.GetFileName(_file.Path);

    /// <summary>The file's length in bytes, with all that still waits.</summary>
    public long Length => _file.Length;

    /// <summary>
    /// Starts a file in <paramref name="folder"/> that TensorBoard reads after all that are there.
    /// </summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="resumedAfter">The step of the checkpoint that the run resumes from; null for a new run.</param>
    /// <param name="options">Clock, descriptions and medium.</param>
    /// <exception cref="UserMistakeException">The file cannot be written.</exception>
    public static EventWriter Start(string folder, long? resumedAfter, RecorderOptions options)
    {
        // TensorBoard reads a folder's files in the order of their names, so a clock that stands still or was set back must not be believed.
        long seconds = options.Time.GetUtcNow().ToUnixTimeSeconds();
        foreach (string other in Directory.EnumerateFiles(folder, NamePattern))
        {
            string digits = Path.GetFileName(other).Substring(NamePrefix.Length, 10);
            if (long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long taken) && taken >= seconds)
            {
                seconds = taken + 1;
            }
        }

        string name = string.Create(CultureInfo.InvariantCulture, $"{NamePrefix}{seconds:D10}.{Environment.MachineName}.{Environment.ProcessId}.0");
        var writer = new EventWriter(new AppendOnlyFile(Path.Combine(folder, name), FileMode.CreateNew, options.Medium), options.Descriptions);
        DateTimeOffset now = options.Time.GetUtcNow();
        writer.Write(new Event { WallTime = Seconds(now), FileVersion = "brain.Event:2" });
        if (resumedAfter is { } step)
        {
            // Makes a TensorBoard that is already running forget what it has read from this step on.
            writer.Write(new Event
            {
                WallTime = Seconds(now),
                Step = step + 1,
                SessionLog = new SessionLog { Status = SessionLog.Types.SessionStatus.Start }
            });
        }

        writer.Flush(toDisk: false);
        return writer;
    }

    /// <summary>One event with a value for each tag.</summary>
    public void Scalars(DateTimeOffset time, long step, IReadOnlyList<(string Tag, double Value)> scalars)
    {
        var summary = new Summary();
        foreach ((string tag, double value) in scalars)
        {
            summary.Value.Add(
                new Summary.Types.Value { Tag = tag, SimpleValue = (float)value, Metadata = Describe(tag, tag, "scalars", DataClass.Scalar) });
        }

        Write(time, step, summary);
    }

    /// <summary>Markdown, under the tag with "/text_summary" that TorchSharp and PyTorch give it.</summary>
    public void Text(DateTimeOffset time, long step, string tag, string markdown)
    {
        string fullTag = tag + "/text_summary";
        Write(time, step, new Summary
        {
            Value =
            {
                new Summary.Types.Value
                {
                    Tag = fullTag,
                    Metadata = Describe(tag, fullTag, "text", DataClass.Tensor),
                    Tensor = Strings(ByteString.CopyFromUtf8(markdown), 1),
                },
            },
        });
    }

    /// <summary>A histogram of the finite values.</summary>
    public void Histogram(DateTimeOffset time, long step, string tag, ReadOnlySpan<float> values) => Write(time, step, new Summary
    {
        Value = { new Summary.Types.Value { Tag = tag, Histo = HistogramBuckets.Count(values),
            Metadata = Describe(tag, tag, "histograms", DataClass.Tensor) } },
    });

    /// <summary>The columns of the hyper-parameter table and this run's values.</summary>
    public void HyperParameters(DateTimeOffset time, IReadOnlyDictionary<string, HyperParameterValue> configuration,
        IReadOnlyList<string> metricTags, string group)
    {
        var experiment = new Experiment { TimeCreatedSecs = Seconds(time) };
        var start = new SessionStartInfo { GroupName = group, StartTimeSecs = Seconds(time) };
        foreach ((string name, HyperParameterValue value) in configuration.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            (HParamType type, Value packed) = value switch
            {
                { Number: { } number } => (HParamType.DataTypeFloat64, Value.ForNumber(number)),
                { Flag: { } flag } => (HParamType.DataTypeBool, Value.ForBool(flag)),
                _ => (HParamType.DataTypeString, Value.ForString(value.Text ?? "")),
            };
            experiment.HparamInfos.Add(new HParamInfo { Name = name, Type = type });
            start.Hparams.Add(name, packed);
        }

        foreach (string tag in metricTags)
        {
            experiment.MetricInfos.Add(
                new MetricInfo { Name = new MetricName { Tag = tag }, Description = _descriptions.GetValueOrDefault(tag, "") });
        }

        Write(time, 0, HyperParameterSummary("_hparams_/experiment", new HParamsPluginData { Experiment = experiment }));
        Write(time, 0, HyperParameterSummary("_hparams_/session_start_info", new HParamsPluginData { SessionStartInfo = start }));
    }

    /// <summary>How and when the run ended.</summary>
    public void EndSession(DateTimeOffset time, SessionOutcome outcome)
    {
        SessionStatus status = outcome == SessionOutcome.Success ? SessionStatus.StatusSuccess : SessionStatus.StatusFailure;
        var end = new SessionEndInfo { Status = status, EndTimeSecs = Seconds(time) };
        Write(time, 0, HyperParameterSummary("_hparams_/session_end_info", new HParamsPluginData { SessionEndInfo = end }));
    }

    /// <summary>The page of the custom-scalars dashboard.</summary>
    public void Layout(DateTimeOffset time, ScalarLayout layout)
    {
        var message = new Layout();
        foreach (ScalarCategory category in layout.Categories)
        {
            var packed = new Category { Title = category.Title };
            packed.Chart.AddRange(category.Charts.Select(
                chart => new Chart { Title = chart.Title, Multiline = new MultilineChartContent { Tag = { chart.TagPatterns } } }));
            message.Category.Add(packed);
        }

        var metadata = new SummaryMetadata
        {
            PluginData = new SummaryMetadata.Types.PluginData { PluginName = "custom_scalars" },
            DataClass = DataClass.Tensor,
        };
        Write(time, 0, new Summary
        {
            Value = { new Summary.Types.Value { Tag = "custom_scalars__config__", Metadata = metadata, Tensor = Strings(message.ToByteString()) } },
        });
    }

    /// <summary>Hands what waits to the operating system, or to the disk itself.</summary>
    public void Flush(bool toDisk) => _file.Flush(toDisk);

    /// <summary>Closes the file; flush first.</summary>
    public void Dispose() => _file.Dispose();

    private static Summary HyperParameterSummary(string tag, HParamsPluginData data)
    {
        var metadata = new SummaryMetadata
        {
            PluginData = new SummaryMetadata.Types.PluginData { PluginName = "hparams", Content = data.ToByteString() },
            DataClass = DataClass.Tensor,
        };
        // The content is in the metadata; a data class demands a tensor all the same, so there is one without elements.
        var nothing = new TensorProto
        {
            Dtype = DataType.DtFloat,
            TensorShape = new TensorShapeProto { Dim = { new TensorShapeProto.Types.Dim { Size = 0 } } }
        };
        return new Summary { Value = { new Summary.Types.Value { Tag = tag, Metadata = metadata, Tensor = nothing } } };
    }

    private static TensorProto Strings(ByteString content, params ReadOnlySpan<long> shape)
    {
        var tensor = new TensorProto { Dtype = DataType.DtString, TensorShape = new TensorShapeProto(), StringVal = { content } };
        foreach (long size in shape)
        {
            tensor.TensorShape.Dim.Add(new TensorShapeProto.Types.Dim { Size = size });
        }

        return tensor;
    }

    // TensorBoard keeps the metadata of a tag's first value and needs it only once a file. The data class is what makes its fast loader
    // keep the description of a plain number or histogram.
    private SummaryMetadata? Describe(string tag, string fullTag, string plugin, DataClass dataClass) => _described.Add(fullTag)
        ? new SummaryMetadata
        {
            PluginData = new SummaryMetadata.Types.PluginData { PluginName = plugin },
            // A description whose tag ends with a slash serves all tags below it.
            SummaryDescription = _descriptions.GetValueOrDefault(tag)
                ?? _descriptions.GetValueOrDefault(tag[..(tag.IndexOf('/', StringComparison.Ordinal) + 1)]) ?? "",
            DataClass = dataClass,
        }
        : null;

    private void Write(DateTimeOffset time, long step, Summary summary) =>
        Write(new Event { WallTime = Seconds(time), Step = step, Summary = summary });

    private void Write(Event message)
    {
        // TensorFlow's framing: length (8 bytes), its checksum (4), the message, its checksum (4); all little-endian.
        ReadOnlySpan<byte> content = message.ToByteArray();
        int length = content.Length;
        Span<byte> record = _file.Buffer.GetSpan(length + 16)[..(length + 16)];
        BinaryPrimitives.WriteInt64LittleEndian(record, length);
        BinaryPrimitives.WriteUInt32LittleEndian(record[8..], MaskedChecksum(record[..8]));
        content.CopyTo(record[12..]);
        BinaryPrimitives.WriteUInt32LittleEndian(record[(12 + length)..], MaskedChecksum(record.Slice(12, length)));
        _file.Buffer.Advance(record.Length);
        _file.FlushIfLarge();
    }

    private static double Seconds(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).TotalSeconds;

    // CRC-32C (the processor's own instruction where it has one), then masked as TensorFlow does it, so that a checksum of data that
    // itself holds checksums stays meaningful.
    private static uint MaskedChecksum(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
        {
            crc = BitOperations.Crc32C(crc, word);
        }

        foreach (byte value in bytes[(words.Length * sizeof(ulong))..])
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8u;
    }
}
