using System.Buffers;
using GumbelGan.Storage;

namespace GumbelGan.Training.Recording;

/// <summary>A file that only grows, kept open and written in large pieces; every failure names it in one sentence.</summary>
internal sealed class AppendOnlyFile : IDisposable
{
    private const int LargestBuffer = 1 << 16;

    private readonly IFileMedium _medium;
    private readonly Stream _stream;
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private long _written;

    /// <summary>Opens <paramref name="path"/>, new or for appending.</summary>
    /// <exception cref="UserMistakeException">It cannot be opened, or it is to be new and exists.</exception>
    public AppendOnlyFile(string path, FileMode mode, IFileMedium medium)
    {
        Path = path;
        _medium = medium;
        try
        {
            _written = mode == FileMode.Append ? new FileInfo(path).Length : 0;
            _stream = medium.Open(path, mode);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw AtomicFile.Explain(path, failure);
        }
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The file's length in bytes, with all that still waits.</summary>
    public long Length => _written + _buffer.WrittenCount;

    /// <summary>Bytes put here are written in their turn.</summary>
    public IBufferWriter<byte> Buffer => _buffer;

    /// <summary>Writes what waits, if it has become much.</summary>
    public void FlushIfLarge()
    {
        if (_buffer.WrittenCount >= LargestBuffer)
        {
            Flush(toDisk: false);
        }
    }

    /// <summary>Hands what waits to the operating system, or to the disk itself.</summary>
    /// <exception cref="UserMistakeException">The disk is full, or the file has vanished.</exception>
    public void Flush(bool toDisk)
    {
        try
        {
            // Writing to an open file succeeds even after it was deleted, and every later record would be lost silently.
            if (!File.Exists(Path))
            {
                throw new DirectoryNotFoundException();
            }

            _stream.Write(_buffer.WrittenSpan);
            _written += _buffer.WrittenCount;
            _buffer.ResetWrittenCount();
            if (toDisk)
            {
                _medium.Persist(_stream);
            }
            else
            {
                _stream.Flush();
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw AtomicFile.Explain(Path, failure);
        }
    }

    /// <summary>Closes the file; what still waits is dropped, so flush first.</summary>
    public void Dispose()
    {
        try
        {
            _stream.Dispose();
        }
        catch (IOException)
        {
            // Closing retries a write that failed before; that failure has been reported.
        }
    }
}
