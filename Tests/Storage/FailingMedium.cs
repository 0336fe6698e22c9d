using GumbelGan.Storage;

namespace GumbelGan.Tests.Storage;

/// <summary>
/// A disk that fails: after <c>bytes</c> bytes (as a full disk does: what fits is written first), or at the operation numbered
/// <c>operation</c> (open, persist, rename, persist folder), counted from zero.
/// </summary>
internal sealed class FailingMedium(long bytes = long.MaxValue, int operation = int.MaxValue) : IFileMedium
{
    private const int NoSpace = 28;

    private long _bytesLeft = bytes;
    private int _operationsLeft = operation;

    /// <summary>Operations asked for so far.</summary>
    public int Operations { get; private set; }

    public Stream Open(string path, FileMode mode)
    {
        Step();
        return new FailingStream(this, DiskMedium.Instance.Open(path, mode));
    }

    public void Persist(Stream stream)
    {
        Step();
        stream.Flush();
    }

    public void Rename(string source, string target)
    {
        Step();
        DiskMedium.Instance.Rename(source, target);
    }

    public void PersistFolder(string folder)
    {
        Step();
        DiskMedium.Instance.PersistFolder(folder);
    }

    private void Step()
    {
        Operations++;
        if (_operationsLeft-- == 0)
        {
            throw new IOException("Input/output error");
        }
    }

    private sealed class FailingStream(FailingMedium medium, Stream inner) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => inner.CanSeek;

        public override bool CanWrite => true;

        public override long Length => inner.Length;

        public override long Position { get => inner.Position; set => inner.Position = value; }

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => inner.Seek(offset, origin);

        public override void SetLength(long value) => inner.SetLength(value);

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            int fits = (int)Math.Min(buffer.Length, medium._bytesLeft);
            inner.Write(buffer[..fits]);
            medium._bytesLeft -= fits;
            if (fits < buffer.Length)
            {
                throw new IOException("No space left on device", NoSpace);
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                inner.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
