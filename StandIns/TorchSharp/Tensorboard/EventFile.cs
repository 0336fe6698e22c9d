using System.Buffers.Binary;
using System.Numerics;
using Google.Protobuf;
using Tensorboard;

namespace TorchSharp.Tensorboard;

/// <summary>One event file: records framed as TensorFlow frames them, appended one at a time.</summary>
internal sealed class EventFile
{
    private readonly string _path;

    public EventFile(string path)
    {
        _path = path;
        Append(new Event { FileVersion = "brain.Event:2", WallTime = DateTimeOffset.UtcNow.ToUnixTimeSeconds() }, FileMode.Create);
    }

    /// <summary>Opened, written and closed each time, as TorchSharp does it: its writer has no end at which a file could be closed.</summary>
    public void Append(Event message) => Append(message, FileMode.Append);

    private void Append(Event message, FileMode mode)
    {
        // length (8 bytes), its checksum (4), the message, its checksum (4); all little-endian.
        int length = message.CalculateSize();
        byte[] record = new byte[sizeof(ulong) + sizeof(uint) + length + sizeof(uint)];
        BinaryPrimitives.WriteInt64LittleEndian(record, length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedChecksum(record.AsSpan(0, 8)));
        Span<byte> content = record.AsSpan(12, length);
        message.WriteTo(content);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + length), MaskedChecksum(content));
        using var stream = new FileStream(_path, mode, FileAccess.Write, FileShare.Read);
        stream.Write(record);
    }

    // CRC-32C, rotated and shifted so that the checksum of data that holds checksums stays meaningful.
    private static uint MaskedChecksum(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8u;
    }
}
