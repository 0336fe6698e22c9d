using System.Buffers.Binary;
using System.Text;

namespace GumbelGan.Tests.Training.Recording;

/// <summary>
/// A reader of TensorBoard event files written for the tests from the formats' descriptions alone (TFRecord framing, protobuf wire
/// format, CRC-32C bit by bit). It shares no code with the writers and throws on the least irregularity.
/// </summary>
internal static class EventReader
{
    /// <summary>The events of all event files directly in <paramref name="folder"/>, in TensorBoard's order: by file name.</summary>
    public static List<EventRecord> ReadFolder(string folder) =>
        [.. Directory.GetFiles(folder, "events.out.tfevents.*").Order(StringComparer.Ordinal).SelectMany(Read)];

    /// <summary>What TensorBoard shows: at each session start, values of its step and later are forgotten.</summary>
    public static List<EventRecord> Purge(IEnumerable<EventRecord> events)
    {
        var shown = new List<EventRecord>();
        foreach (EventRecord record in events)
        {
            if (record.SessionStatus == 1)
            {
                shown.RemoveAll(earlier => earlier.Values.Count > 0 && earlier.Step >= record.Step);
            }

            shown.Add(record);
        }

        return shown;
    }

    /// <summary>The events of one file, every checksum verified.</summary>
    public static List<EventRecord> Read(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        var events = new List<EventRecord>();
        int place = 0;
        while (place < bytes.Length)
        {
            int length = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(place, 8)));
            Verify(bytes.AsSpan(place, 8), bytes.AsSpan(place + 8, 4), path, place);
            Verify(bytes.AsSpan(place + 12, length), bytes.AsSpan(place + 12 + length, 4), path, place);
            events.Add(ReadEvent(bytes.AsSpan(place + 12, length).ToArray()));
            place += 16 + length;
        }

        return events;
    }

    /// <summary>CRC-32C (Castagnoli), bit by bit.</summary>
    public static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint remainder = 0xFFFFFFFF;
        foreach (byte value in bytes)
        {
            remainder ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                remainder = (remainder & 1) != 0 ? (remainder >> 1) ^ 0x82F63B78 : remainder >> 1;
            }
        }

        return ~remainder;
    }

    private static void Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> stored, string path, int place)
    {
        uint unmasked = BinaryPrimitives.ReadUInt32LittleEndian(stored) - 0xA282EAD8;
        uint expected = (unmasked << 15) | (unmasked >> 17);
        if (Checksum(data) != expected)
        {
            throw new InvalidDataException($"A checksum is wrong in {path} at byte {place}.");
        }
    }

    private static EventRecord ReadEvent(byte[] message)
    {
        var fields = new Fields(message);
        return new EventRecord(
            fields.Double(1),
            fields.Integer(2),
            fields.Text(3),
            fields.Message(7)?.Integer(1) ?? 0,
            [.. (fields.Message(5)?.Messages(1) ?? []).Select(ReadValue)]);
    }

    private static EventValue ReadValue(Fields value)
    {
        Fields? metadata = value.Message(9);
        Fields? plugin = metadata?.Message(1);
        Fields? histogram = value.Message(5);
        Fields? tensor = value.Message(8);
        return new EventValue(
            value.Text(1)!,
            value.Float(2),
            plugin?.Text(1),
            plugin?.Bytes(2) ?? [],
            metadata?.Text(3) ?? "",
            metadata?.Integer(4) ?? 0,
            histogram is null ? null : new EventHistogram(
                histogram.Double(1), histogram.Double(2), histogram.Double(3), histogram.Double(4), histogram.Double(5), histogram.Doubles(6),
                    histogram.Doubles(7)),
            tensor is null ? null : new EventTensor(
                tensor.Integer(1), [.. tensor.Message(2)!.Messages(2).Select(dimension => dimension.Integer(1))], tensor.All(8)));
    }
}

/// <summary>One event.</summary>
internal sealed record EventRecord(double WallTime, long Step, string? FileVersion, long SessionStatus, IReadOnlyList<EventValue> Values);

/// <summary>One value of an event's summary; what is absent is null or empty.</summary>
internal sealed record EventValue(
    string Tag, float? Scalar, string? Plugin, byte[] PluginContent, string Description, long DataClass, EventHistogram? Histogram,
        EventTensor? Tensor);

/// <summary>A histogram: right edges and counts.</summary>
internal sealed record EventHistogram(double Minimum, double Maximum, double Number, double Sum, double SumOfSquares, double[] Limits,
    double[] Counts);

/// <summary>A tensor of texts (type 7) or of nothing.</summary>
internal sealed record EventTensor(long Type, long[] Shape, byte[][] Strings);

/// <summary>The fields of one protobuf message, decoded from the wire by number.</summary>
internal sealed class Fields
{
    private readonly List<(int Number, int Wire, byte[] Content)> _fields = [];

    public Fields(byte[] message)
    {
        int place = 0;
        while (place < message.Length)
        {
            ulong key = Varint(message, ref place);
            int wire = (int)(key & 7);
            int start = place;
            int length = 0;
            switch (wire)
            {
                case 0:
                    Varint(message, ref place);
                    length = place - start;
                    break;
                case 1:
                    length = 8;
                    place += 8;
                    break;
                case 2:
                    length = checked((int)Varint(message, ref place));
                    start = place;
                    place += length;
                    break;
                case 5:
                    length = 4;
                    place += 4;
                    break;
                default:
                    throw new InvalidDataException($"Wire type {wire} does not exist.");
            }

            _fields.Add(((int)(key >> 3), wire, message.AsSpan(start, length).ToArray()));
        }
    }

    public long Integer(int number)
    {
        int place = 0;
        return Last(number, 0) is { } content ? (long)Varint(content, ref place) : 0;
    }

    public double Double(int number) => Last(number, 1) is { } content ? BinaryPrimitives.ReadDoubleLittleEndian(content) : 0;

    public float? Float(int number) => Last(number, 5) is { } content ? BinaryPrimitives.ReadSingleLittleEndian(content) : null;

    public string? Text(int number) => Last(number, 2) is { } content ? new UTF8Encoding(false, true).GetString(content) : null;

    public byte[] Bytes(int number) => Last(number, 2) ?? [];

    public Fields? Message(int number) => Last(number, 2) is { } content ? new Fields(content) : null;

    public IEnumerable<Fields> Messages(int number) => All(number).Select(content => new Fields(content));

    public byte[][] All(int number) => [.. _fields.Where(field => field.Number == number).Select(field => field.Content)];

    /// <summary>Packed doubles.</summary>
    public double[] Doubles(int number) =>
        [.. All(number).SelectMany(content => content.Chunk(8)).Select(chunk => BinaryPrimitives.ReadDoubleLittleEndian(chunk))];

    private byte[]? Last(int number, int wire)
    {
        byte[]? content = null;
        foreach ((int Number, int Wire, byte[] Content) field in _fields.Where(field => field.Number == number))
        {
            content = field.Wire == wire ? field.Content : throw new InvalidDataException($"Field {number} has wire type {field.Wire}.");
        }

        return content;
    }

    private static ulong Varint(byte[] bytes, ref int place)
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte next = bytes[place++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw new InvalidDataException("A number is longer than ten bytes.");
    }
}
