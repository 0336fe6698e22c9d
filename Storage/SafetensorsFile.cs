using System.Buffers.Binary;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace GumbelGan.Storage;

// Long because it holds the whole format, with every way in which a file can be wrong.
/// <summary>
/// A safetensors file: named tensors as plain data, which no reader ever executes (https://github.com/huggingface/safetensors).
/// </summary>
/// <remarks>
/// Layout: an unsigned 64-bit little-endian header length, a JSON header of that length that maps names to type, shape and byte offsets
/// (padded with spaces so that the data is 8-byte aligned), then the data without gaps. The reader trusts nothing: whatever the file
/// holds, it answers with the tensors or with a <see cref="UserMistakeException"/>, and allocates no more than a small multiple of the
/// file's own length.
/// </remarks>
public sealed class SafetensorsFile
{
    /// <summary>The longest header that is read, in bytes; the reference implementation's limit.</summary>
    public const long MaximumHeaderLength = 100_000_000;

    private const string MetadataKey = "__metadata__";
    private const int Alignment = 8;

    // PyTorch's own limit; without one, a header of zeros would grow fourfold in memory.
    private const int MaximumRank = 64;

    private readonly Dictionary<string, SafetensorsEntry> _byName;

    private SafetensorsFile(string path, List<SafetensorsEntry> entries, SortedDictionary<string, string> metadata)
    {
        Path = path;
        Entries = entries;
        Metadata = metadata;
        _byName = entries.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
    }

    /// <summary>Where the file was read from.</summary>
    public string Path { get; }

    /// <summary>The tensors, in the order of their data.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries { get; }

    /// <summary>Free text that the writer added, in ordinal order of the keys.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensor called <paramref name="name"/>.</summary>
    /// <exception cref="UserMistakeException">The file has none of that name.</exception>
    public SafetensorsEntry this[string name] => _byName.TryGetValue(name, out SafetensorsEntry? entry)
        ? entry
        : throw new UserMistakeException($"'{Path}' holds no tensor '{name}'; use the file that this run wrote.");

    /// <summary>Whether a tensor is called <paramref name="name"/>.</summary>
    public bool Contains(string name) => _byName.ContainsKey(name);

    /// <summary>Reads and checks the whole of <paramref name="path"/>.</summary>
    /// <exception cref="UserMistakeException">The file is missing, unreadable, truncated, or not valid in every particular.</exception>
    public static SafetensorsFile Read(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            return Read(path, stream);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new UserMistakeException($"'{path}' does not exist; name a safetensors file.", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new UserMistakeException($"'{path}' cannot be read ({failure.Message.TrimEnd('.')}); name a readable safetensors file.", failure);
        }
    }

    /// <summary>Reads and checks a file's content from <paramref name="stream"/>, which must know its length.</summary>
    /// <param name="path">The name to use in messages.</param>
    /// <param name="stream">A seekable stream at its beginning.</param>
    /// <exception cref="UserMistakeException">The content is truncated or not valid in every particular.</exception>
    public static SafetensorsFile Read(string path, Stream stream)
    {
        long length = stream.CanSeek ? stream.Length : throw Malformed(path, "is not a regular file");
        Span<byte> prefix = stackalloc byte[sizeof(ulong)];
        if (length < prefix.Length)
        {
            throw Malformed(path, "is shorter than the 8 bytes of a header length");
        }

        ReadExactly(path, stream, prefix);
        ulong declared = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (declared > (ulong)MaximumHeaderLength)
        {
            throw Malformed(path, $"declares a header of {declared} bytes, over the limit of {MaximumHeaderLength}");
        }

        long headerLength = (long)declared;
        long dataLength = length - prefix.Length - headerLength;
        if (dataLength < 0)
        {
            throw Malformed(path, "ends within its header");
        }

        byte[] header = new byte[headerLength];
        ReadExactly(path, stream, header);
        List<Description> descriptions = ParseHeader(path, header, out SortedDictionary<string, string> metadata);
        CheckLayout(path, descriptions, dataLength);

        var entries = new List<SafetensorsEntry>(descriptions.Count);
        foreach (Description description in descriptions)
        {
            long count = description.End - description.Begin;
            if (count > Array.MaxLength)
            {
                throw Malformed(path, $"holds tensor '{description.Name}' of {count} bytes, more than this program can hold in one piece");
            }

            byte[] data = GC.AllocateUninitializedArray<byte>((int)count);
            ReadExactly(path, stream, data);
            entries.Add(new SafetensorsEntry(description.Name, description.Type, description.Shape, data));
        }

        return new SafetensorsFile(path, entries, metadata);
    }

    /// <summary>Writes <paramref name="entries"/> to <paramref name="path"/>, all or nothing (<see cref="AtomicFile"/>).</summary>
    /// <remarks>
    /// The same tensors and metadata give the same bytes whatever order they come in: data is laid out as the reference implementation
    /// does it, larger element types first and names in ordinal order among equals; metadata keys are in ordinal order.
    /// </remarks>
    /// <param name="path">The file to create or replace.</param>
    /// <param name="entries">Tensors with distinct names.</param>
    /// <param name="metadata">Free text, or null for none.</param>
    /// <param name="medium">Where files land; the disk unless a test says otherwise.</param>
    /// <exception cref="ArgumentException">Two tensors share a name, or one is called "__metadata__".</exception>
    /// <exception cref="UserMistakeException">The file cannot be written.</exception>
    public static void Write(string path, IEnumerable<SafetensorsEntry> entries, IReadOnlyDictionary<string, string>? metadata = null,
        IFileMedium? medium = null)
    {
        SafetensorsEntry[] ordered = [.. entries.OrderByDescending(entry => entry.Type).ThenBy(entry => entry.Name, StringComparer.Ordinal)];
        byte[] header = FormatHeader(ordered, metadata);
        AtomicFile.Write(
            path,
            stream =>
            {
                Span<byte> prefix = stackalloc byte[sizeof(ulong)];
                BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.Length);
                stream.Write(prefix);
                stream.Write(header);
                foreach (SafetensorsEntry entry in ordered)
                {
                    stream.Write(entry.Data.Span);
                }
            },
            medium);
    }

    private static byte[] FormatHeader(SafetensorsEntry[] entries, IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(MetadataKey);
                foreach ((string key, string value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                {
                    json.WriteString(key, value);
                }

                json.WriteEndObject();
            }

            var names = new HashSet<string>(StringComparer.Ordinal) { MetadataKey };
            long offset = 0;
            foreach (SafetensorsEntry entry in entries)
            {
                if (!names.Add(entry.Name))
                {
                    throw new ArgumentException($"The tensor name '{entry.Name}' is reserved or given twice.", nameof(entries));
                }

                json.WriteStartObject(entry.Name);
                json.WriteString("dtype", entry.Type.ToString());
                json.WriteStartArray("shape");
                foreach (long length in entry.Shape)
                {
                    json.WriteNumberValue(length);
                }

                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += entry.Data.Length);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        while (buffer.Length % Alignment != 0)
        {
            buffer.WriteByte((byte)' ');
        }

        return buffer.ToArray();
    }

    private static List<Description> ParseHeader(string path, byte[] header, out SortedDictionary<string, string> metadata)
    {
        metadata = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (header.Length == 0 || header[0] != (byte)'{')
        {
            throw Malformed(path, "has a header that is no JSON object");
        }

        try
        {
            // Checked as a whole first: the JSON reader looks at a string's bytes only when that string is asked for.
            _ = StrictUtf8.Encoding.GetCharCount(header);
            var json = new Utf8JsonReader(header, new JsonReaderOptions { MaxDepth = 4 });
            var descriptions = new List<Description>();
            var names = new HashSet<string>(StringComparer.Ordinal);
            json.Read();
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                string name = json.GetString()!;
                if (!names.Add(name))
                {
                    throw Malformed(path, $"names '{Shorten(name)}' twice");
                }

                json.Read();
                if (name == MetadataKey)
                {
                    ParseMetadata(path, ref json, metadata);
                }
                else
                {
                    descriptions.Add(ParseDescription(path, name, ref json));
                }
            }

            // Only spaces may follow; the reader itself refuses anything else.
            json.Read();
            return descriptions;
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or DecoderFallbackException)
        {
            throw new UserMistakeException($"'{path}' has a header that is not valid JSON in UTF-8; use an intact safetensors file.", failure);
        }
    }

    private static void ParseMetadata(string path, ref Utf8JsonReader json, SortedDictionary<string, string> metadata)
    {
        Expect(path, MetadataKey, json.TokenType == JsonTokenType.StartObject);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            string key = json.GetString()!;
            json.Read();
            Expect(path, MetadataKey, json.TokenType == JsonTokenType.String);
            if (!metadata.TryAdd(key, json.GetString()!))
            {
                throw Malformed(path, $"names '{Shorten(key)}' twice in its metadata");
            }
        }
    }

    private static Description ParseDescription(string path, string name, ref Utf8JsonReader json)
    {
        Expect(path, name, json.TokenType == JsonTokenType.StartObject);
        SafetensorsType? type = null;
        List<long>? shape = null;
        List<long>? offsets = null;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            string field = json.GetString()!;
            json.Read();
            switch (field)
            {
                case "dtype" when type is null:
                    Expect(path, name, json.TokenType == JsonTokenType.String);
                    type = ParseType(path, name, json.GetString()!);
                    break;
                case "shape" when shape is null:
                    shape = ParseNumbers(path, name, ref json);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ParseNumbers(path, name, ref json);
                    break;
                default:
                    throw Malformed(path, $"describes tensor '{Shorten(name)}' with '{Shorten(field)}', which is unknown or repeated");
            }
        }

        Expect(path, name, type is not null && shape is not null && offsets is { Count: 2 });
        return new Description(name, type!.Value, [.. shape!], offsets![0], offsets[1]);
    }

    private static SafetensorsType ParseType(string path, string tensor, string name)
    {
        // Enum.TryParse alone would take numbers and lists ("3", "U8, I8") too.
        return Enum.TryParse(name, ignoreCase: false, out SafetensorsType type) && type.ToString() == name
            ? type
            : throw Malformed(path, $"gives tensor '{Shorten(tensor)}' the unknown type '{Shorten(name)}'");
    }

    private static List<long> ParseNumbers(string path, string tensor, ref Utf8JsonReader json)
    {
        Expect(path, tensor, json.TokenType == JsonTokenType.StartArray);
        var numbers = new List<long>();
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            Expect(path, tensor,
                json.TokenType == JsonTokenType.Number && json.TryGetInt64(out long number) && number >= 0 && numbers.Count < MaximumRank);
            numbers.Add(json.GetInt64());
        }

        return numbers;
    }

    private static void CheckLayout(string path, List<Description> descriptions, long dataLength)
    {
        // Sorted by place, valid tensors follow each other exactly: no overlap, no gap, nothing left over that could hide content.
        descriptions.Sort((left, right) => (left.Begin, left.End).CompareTo((right.Begin, right.End)));
        long end = 0;
        foreach (Description description in descriptions)
        {
            if (description.Begin != end || description.End < description.Begin || description.End > dataLength)
            {
                throw Malformed(path, $"places tensor '{Shorten(description.Name)}' at bytes {description.Begin} to {description.End}, which "
                    + "overlaps, leaves a gap or lies outside the data");
            }

            end = description.End;
            if (SafetensorsEntry.ByteCount(description.Type, description.Shape) != description.End - description.Begin)
            {
                throw Malformed(path, $"gives tensor '{Shorten(description.Name)}' a shape that does not fit its bytes");
            }
        }

        if (end != dataLength)
        {
            throw Malformed(path, $"describes {end} bytes of data but holds {dataLength}");
        }
    }

    private static void ReadExactly(string path, Stream stream, Span<byte> buffer)
    {
        try
        {
            stream.ReadExactly(buffer);
        }
        catch (EndOfStreamException failure)
        {
            throw new UserMistakeException($"'{path}' became shorter while it was read; use an intact safetensors file.", failure);
        }
    }

    private static void Expect(string path, string tensor, bool holds)
    {
        if (!holds)
        {
            throw Malformed(path, $"describes '{Shorten(tensor)}' in a way that the format does not know");
        }
    }

    // A hostile file may hold a name of many megabytes, or one with control characters that would disturb the terminal.
    private static string Shorten(string text)
    {
        const int Longest = 60;
        string start = text.Length <= Longest ? text : text[..Longest] + "...";
        return string.Concat(start.Select(character => char.IsControl(character) || char.IsSurrogate(character) ? '?' : character));
    }

    private static UserMistakeException Malformed(string path, string fault) => new($"'{path}' {fault}; use an intact safetensors file.");

    private sealed record Description(string Name, SafetensorsType Type, long[] Shape, long Begin, long End);
}
