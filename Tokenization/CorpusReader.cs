using System.Security.Cryptography;
using System.Text;
using GumbelGan.Randomness;
using GumbelGan.Storage;

namespace GumbelGan.Tokenization;

/// <summary>
/// Streams the lines of a UTF-8 text file in bounded memory. A byte order mark is skipped, CR LF ends a line as LF does, and ASCII white space
/// around a line is dropped. Invalid UTF-8, NUL bytes and lines beyond 1 MiB are refused with their line number.
/// </summary>
public sealed class CorpusReader
{
    /// <summary>The longest line accepted, in bytes.</summary>
    public const int MaximumLineBytes = 1 << 20;

    private readonly string _path;
    private readonly bool _trim, _twice;
    private readonly byte[] _salt;

    /// <summary>A reader of the file at <paramref name="path"/>.</summary>
    /// <param name="path">A text file.</param>
    /// <param name="splitSeed">Enters each line's <see cref="CorpusLine.Hash"/>.</param>
    /// <param name="trim">Whether white space around a line, the CR of a CR LF included, is dropped.</param>
    /// <param name="twice">Whether the file will be read again, which a pipe cannot be.</param>
    public CorpusReader(string path, long splitSeed = 0, bool trim = true, bool twice = false)
    {
        (_path, _trim, _twice) = (path, trim, twice);
        _salt = BitConverter.GetBytes(splitSeed);
        if (!BitConverter.IsLittleEndian)
        {
            Array.Reverse(_salt);
        }
    }

    /// <summary>Bytes of the file; known when the enumeration of <see cref="ReadLines"/> has ended.</summary>
    public long Bytes { get; private set; }

    /// <summary>SHA-256 of the file's bytes in lower-case hexadecimal; known when the enumeration of <see cref="ReadLines"/> has ended.</summary>
    public string Sha256 { get; private set; } = "";

    /// <summary>The lines in file order, empty ones included.</summary>
    /// <exception cref="UserMistakeException">The file is missing, a directory or not text; the sentence names the line.</exception>
    public IEnumerable<CorpusLine> ReadLines()
    {
        using FileStream stream = BoundedFile.Open(_path);
        if (_twice && !stream.CanSeek)
        {
            throw new UserMistakeException($"{_path} is a pipe or a device; a corpus is read twice, so save it in a regular file.");
        }

        using var fileHash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[2 * MaximumLineBytes];
        int filled = 0;
        long number = 0, offset = 0;
        bool start = true;
        while (true)
        {
            int count = Read(stream, buffer.AsSpan(filled));
            fileHash.AppendData(buffer, filled, count);
            Bytes += count;
            filled += count;
            int lineStart = 0;
            if (start && filled >= 3 && buffer.AsSpan(0, 3).SequenceEqual(Encoding.UTF8.Preamble))
            {
                lineStart = 3;
            }

            start = start && filled < 3 && count > 0;
            while (lineStart < filled)
            {
                int length = buffer.AsSpan(lineStart, filled - lineStart).IndexOf((byte)'\n');
                bool last = length < 0 && count == 0;
                if (length < 0 && !last)
                {
                    break;
                }

                int used = last ? filled - lineStart : length;
                yield return MakeLine(buffer.AsSpan(lineStart, used), ++number, offset + lineStart);
                lineStart += last ? used : used + 1;
            }

            if (count == 0)
            {
                break;
            }

            int rest = filled - lineStart;
            ReadOnlySpan<byte> unfinished = buffer.AsSpan(lineStart, rest);
            if (rest > MaximumLineBytes || unfinished.Contains((byte)0))
            {
                // Refused before its end is found: a device may be endless.
                MakeLine(unfinished, number + 1, offset + lineStart);
            }

            buffer.AsSpan(lineStart, rest).CopyTo(buffer);
            offset += lineStart;
            filled = rest;
        }

        Sha256 = Convert.ToHexStringLower(fileHash.GetHashAndReset());
    }

    private CorpusLine MakeLine(ReadOnlySpan<byte> bytes, long number, long offset)
    {
        int nul = bytes.IndexOf((byte)0);
        if (nul >= 0)
        {
            throw new UserMistakeException(
                $"{_path}, line {number}: byte {offset + nul} of the file is NUL; a corpus is plain UTF-8 text, one sequence a line.");
        }

        if (bytes.Length > MaximumLineBytes)
        {
            throw new UserMistakeException($"{_path}, line {number} (from byte {offset} of the file) is longer than {MaximumLineBytes} bytes; a "
                + "corpus holds one sequence a line.");
        }

        ReadOnlySpan<byte> trimmed = _trim ? bytes.Trim(" \t\r\v\f"u8) : bytes;
        string text;
        try
        {
            text = StrictUtf8.Encoding.GetString(trimmed);
        }
        catch (DecoderFallbackException exception)
        {
            long at = offset + bytes.IndexOf(trimmed) + exception.Index;
            throw new UserMistakeException($"{_path}, line {number}: byte {at} of the file is not valid UTF-8; save the corpus as UTF-8.", exception);
        }

        return new CorpusLine(number, text, Hash(trimmed));
    }

    private ulong Hash(ReadOnlySpan<byte> line)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        if (line.Length <= 1016)
        {
            Span<byte> salted = stackalloc byte[1024];
            _salt.CopyTo(salted);
            line.CopyTo(salted[_salt.Length..]);
            SHA256.HashData(salted[..(_salt.Length + line.Length)], digest);
        }
        else
        {
            SHA256.HashData((byte[])[.. _salt, .. line], digest);
        }

        return System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(digest);
    }

    private int Read(FileStream stream, Span<byte> destination)
    {
        try
        {
            return stream.Read(destination);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserMistakeException($"{_path} cannot be read ({exception.Message.TrimEnd('.')}); name a readable file.", exception);
        }
    }
}

/// <summary>One line of a corpus.</summary>
/// <param name="Number">Counted from 1.</param>
/// <param name="Text">Without line end and, unless the reader keeps it, surrounding white space.</param>
/// <param name="Hash">64 bits of SHA-256 over the split seed and the text: decides the split and finds exact duplicates.</param>
public readonly record struct CorpusLine(long Number, string Text, ulong Hash)
{
    /// <summary>
    /// The split of this line. With <see cref="SplitKind.Lines"/> it depends on the text and the options alone: equal lines share a split, and other
    /// lines that come or go do not change it. With <see cref="SplitKind.Occurrences"/> it depends on the line's number too.
    /// </summary>
    public CorpusSplit SplitBy(CorpusOptions options)
    {
        ulong bits = options.Split == SplitKind.Lines ? Hash : new RandomKey(Hash).Derive((ulong)Number).Value;
        double position = (bits >> 11) * (1.0 / (1UL << 53));
        return position < options.TestShare ? CorpusSplit.Test
            : position < options.TestShare + options.ValidationShare ? CorpusSplit.Validation
            : CorpusSplit.Train;
    }
}

/// <summary>What a line is used for.</summary>
public enum CorpusSplit
{
    /// <summary>Gradients and the vocabulary come from these.</summary>
    Train,

    /// <summary>Checkpoints are chosen on these.</summary>
    Validation,

    /// <summary>Looked at once, at the end.</summary>
    Test,
}
