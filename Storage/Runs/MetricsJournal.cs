using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace GumbelGan.Storage;

/// <summary>
/// The format of metrics.jsonl: one JSON object a line, with "step" (an integer), "phase" (a text) and any number of scalars by tag:
/// <c>{"step":500,"phase":"adversarial","loss/generator":0.6931471805599453}</c>.
/// </summary>
/// <remarks>
/// Numbers are written with as many digits as it takes to read back the same double. JSON knows no other numbers than finite ones, so the
/// rest are texts: "NaN", "Infinity", "-Infinity". A last line without its line end is a record still being written, or cut off by a
/// kill, and counts as absent. Every reader of the file reads it here: those that go on writing it, or must have all of it, with
/// <see cref="Read(string)"/>; those that look at whatever runs there are with <see cref="ReadWhatIsSound"/>.
/// </remarks>
public static class MetricsJournal
{
    /// <summary>The journal's name in a run's folder.</summary>
    public const string FileName = "metrics.jsonl";

    /// <summary>The longest line that is read, in bytes.</summary>
    public const int LongestLine = 1 << 20;

    private const string StepKey = "step";
    private const string PhaseKey = "phase";

    /// <summary>Reads the journal at <paramref name="path"/>, record by record.</summary>
    /// <exception cref="UserMistakeException">
    /// The file is missing or unreadable, or a line is no record: bad UTF-8 or JSON, a tag twice, a step that is no integer of at least 0,
    /// a value that is no number, a line over <see cref="LongestLine"/>. The message names the line.
    /// </exception>
    public static IReadOnlyList<MetricsRecord> Read(string path) => Open(path, stream => Read(path, stream));

    /// <summary>
    /// Reads the journal at <paramref name="path"/>, and passes over lines that are no records; a last line that is one needs no end.
    /// </summary>
    /// <returns>Empty where there is no such file. What follows a line over <see cref="LongestLine"/> is not read.</returns>
    /// <exception cref="UserMistakeException">The file is unreadable.</exception>
    public static IReadOnlyList<MetricsRecord> ReadWhatIsSound(string path)
    {
        var records = new List<MetricsRecord>();
        return !File.Exists(path) ? records : Open(path, stream =>
        {
            ForEachLine(path, stream, (line, number) =>
            {
                try
                {
                    records.Add(Parse(path, number, line));
                }
                catch (UserMistakeException)
                {
                }
            }, isLenient: true);
            return records;
        });
    }

    /// <summary>Reads a journal's content from <paramref name="stream"/>.</summary>
    /// <param name="path">The name to use in messages.</param>
    /// <param name="stream">The content.</param>
    /// <exception cref="UserMistakeException">As for <see cref="Read(string)"/>.</exception>
    public static IReadOnlyList<MetricsRecord> Read(string path, Stream stream)
    {
        var records = new List<MetricsRecord>();
        ForEachLine(path, stream, (line, number) => records.Add(Parse(path, number, line)));
        return records;
    }

    /// <summary>Whether <paramref name="tag"/> may name a scalar: not empty, and none of the record's own keys.</summary>
    public static bool IsTag(string tag) => tag is not (null or "" or StepKey or PhaseKey);

    /// <summary>Appends one record, its line end included; the tags are valid and distinct.</summary>
    public static void Format(IBufferWriter<byte> output, long step, string phase, IReadOnlyList<(string Tag, double Value)> scalars)
    {
        using (var json = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteNumber(StepKey, step);
            json.WriteString(PhaseKey, phase);
            foreach ((string tag, double value) in scalars)
            {
                if (double.IsFinite(value))
                {
                    json.WriteNumber(tag, value);
                }
                else
                {
                    json.WriteString(tag, double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
                }
            }

            json.WriteEndObject();
        }

        output.Write("\n"u8);
    }

    /// <summary>
    /// Cuts the journal at <paramref name="path"/> back to its records of at most <paramref name="step"/>, all or nothing.
    /// </summary>
    /// <exception cref="UserMistakeException">The file is missing, malformed, or cannot be written.</exception>
    public static void KeepSteps(string path, long step, IFileMedium medium)
    {
        using var kept = new MemoryStream();
        bool changed = Open(path, stream =>
        {
            ForEachLine(path, stream, (line, number) =>
            {
                if (Parse(path, number, line).Step <= step)
                {
                    kept.Write(line);
                    kept.WriteByte((byte)'\n');
                }
            });
            return kept.Length != stream.Length;
        });
        if (changed)
        {
            AtomicFile.WriteAllBytes(path, kept.GetBuffer().AsMemory(0, (int)kept.Length), medium);
        }
    }

    /// <summary>Cuts the journal at <paramref name="path"/> back to its first <paramref name="length"/> bytes, all or nothing.</summary>
    /// <exception cref="UserMistakeException">The file is missing, shorter, or has no line end there; or it cannot be written.</exception>
    public static void KeepBytes(string path, long length, IFileMedium medium)
    {
        byte[]? kept = Open(path, stream =>
        {
            if (length < 0 || length > stream.Length || length > Array.MaxLength)
            {
                throw new UserMistakeException($"'{path}' is shorter than the checkpoint says; restore the file that belongs to the run.");
            }

            byte[] start = new byte[length];
            stream.ReadExactly(start);
            if (length > 0 && start[^1] != (byte)'\n')
            {
                throw new UserMistakeException($"'{path}' has no line end where the checkpoint says; restore the file that belongs to the run.");
            }

            return length == stream.Length ? null : start;
        });
        if (kept is not null)
        {
            AtomicFile.WriteAllBytes(path, kept, medium);
        }
    }

    private static T Open<T>(string path, Func<Stream, T> read)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return read(stream);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new UserMistakeException($"'{path}' does not exist; name the folder of a run that recorded metrics.", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new UserMistakeException($"'{path}' cannot be read ({failure.Message.TrimEnd('.')}); name a readable metrics.jsonl.", failure);
        }
    }

    private delegate void LineReader(ReadOnlySpan<byte> line, int number);

    private static void ForEachLine(string path, Stream stream, LineReader read, bool isLenient = false)
    {
        byte[] buffer = new byte[1 << 14];
        int filled = 0;
        int number = 0;
        while (stream.Read(buffer, filled, buffer.Length - filled) is > 0 and var count)
        {
            filled += count;
            int start = 0;
            while (buffer.AsSpan(start, filled - start).IndexOf((byte)'\n') is >= 0 and var length)
            {
                read(buffer.AsSpan(start, length), ++number);
                start += length + 1;
            }

            filled -= start;
            buffer.AsSpan(start, filled).CopyTo(buffer);
            if (filled == buffer.Length)
            {
                if (filled >= LongestLine)
                {
                    if (isLenient)
                    {
                        return;
                    }

                    throw Malformed(path, number + 1, "is longer than any record");
                }

                Array.Resize(ref buffer, 2 * buffer.Length);
            }
        }

        // Whether it is whole, the lenient reader finds out by itself.
        if (isLenient && filled > 0)
        {
            read(buffer.AsSpan(0, filled), number + 1);
        }
    }

    private static MetricsRecord Parse(string path, int number, ReadOnlySpan<byte> line)
    {
        try
        {
            _ = StrictUtf8.Encoding.GetCharCount(line);
            var json = new Utf8JsonReader(line, new JsonReaderOptions { MaxDepth = 1 });
            json.Read();
            Expect(path, number, json.TokenType == JsonTokenType.StartObject);
            long? step = null;
            string? phase = null;
            var scalars = new OrderedDictionary<string, double>(StringComparer.Ordinal);
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                string key = json.GetString()!;
                json.Read();
                switch (key)
                {
                    case StepKey:
                        Expect(path, number,
                            step is null && json.TokenType == JsonTokenType.Number && json.TryGetInt64(out long value) && value >= 0);
                        step = json.GetInt64();
                        break;
                    case PhaseKey:
                        Expect(path, number, phase is null && json.TokenType == JsonTokenType.String);
                        phase = json.GetString();
                        break;
                    default:
                        Expect(path, number, scalars.TryAdd(key, ParseScalar(path, number, ref json)));
                        break;
                }
            }

            json.Read();
            Expect(path, number, step is not null && phase is not null);
            return new MetricsRecord(step!.Value, phase!, scalars);
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or DecoderFallbackException)
        {
            throw new UserMistakeException($"Line {number} of '{path}' is not valid JSON in UTF-8; repair or remove it.", failure);
        }
    }

    private static double ParseScalar(string path, int number, ref Utf8JsonReader json)
    {
        if (json.TokenType == JsonTokenType.String)
        {
            return json.GetString() switch
            {
                "NaN" => double.NaN,
                "Infinity" => double.PositiveInfinity,
                "-Infinity" => double.NegativeInfinity,
                _ => throw Malformed(path, number, "gives a tag a text that is no number"),
            };
        }

        Expect(path, number, json.TokenType == JsonTokenType.Number && json.TryGetDouble(out double value) && double.IsFinite(value));
        return json.GetDouble();
    }

    private static void Expect(string path, int number, bool holds)
    {
        if (!holds)
        {
            throw Malformed(path, number, "is no record of step, phase and scalars, each once");
        }
    }

    private static UserMistakeException Malformed(string path, int number, string fault) =>
        new($"Line {number} of '{path}' {fault}; repair or remove it.");
}
