using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace GumbelGan.Cli.Streams;

/// <summary>
/// Standard output or error. .NET's own stream takes a pipe that nobody reads for one that takes everything, so that a program goes on for hours for
/// nobody; this one says so.
/// </summary>
internal sealed partial class StandardStream : Stream
{
    /// <summary>Where results go.</summary>
    public const int Output = 1;

    /// <summary>Where people read what goes on.</summary>
    public const int Error = 2;

    private const int GetFlags = 1, CloseOnExecute = 1, Interrupted = 4, TryAgain = 11;

    private readonly int _descriptor;
    private readonly Stream? _other;

    private StandardStream(int descriptor)
    {
        _descriptor = descriptor;
        if (OperatingSystem.IsWindows())
        {
            _other = descriptor == Output ? Console.OpenStandardOutput() : Console.OpenStandardError();
        }
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>
    /// Has the numbers of closed standard streams lead to nowhere, before anything is opened: libraries write their warnings to number 2 without
    /// asking what that is.
    /// </summary>
    /// <returns>What to keep as long as the program runs.</returns>
    public static IReadOnlyList<SafeFileHandle> FillGaps()
    {
        const int Input = 0;
        var fillers = new List<SafeFileHandle>();
        // What is opened takes the lowest number that is free.
        for (int descriptor = Input; descriptor <= Error && !OperatingSystem.IsWindows(); descriptor++)
        {
            if (Control(descriptor, GetFlags) < 0)
            {
                fillers.Add(File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite));
            }
        }

        return fillers;
    }

    /// <summary>Opens <see cref="Output"/> or <see cref="Error"/>; null where whoever started the program has closed it.</summary>
    /// <remarks>
    /// The number of a closed stream goes to the next file that is opened, one of the runtime's or a checkpoint, and what is written to the stream
    /// would go there. All that .NET opens is closed on execution, and what a parent passes on is not: that tells them apart.
    /// </remarks>
    public static StandardStream? Open(int descriptor) =>
        OperatingSystem.IsWindows() || (Control(descriptor, GetFlags) is var flags && flags >= 0 && (flags & CloseOnExecute) == 0)
            ? new StandardStream(descriptor) : null;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <exception cref="StandardStreamException">The disk is full, nobody reads, or the terminal is gone.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            buffer = buffer[WriteSome(buffer)..];
        }
    }

    private int WriteSome(ReadOnlySpan<byte> buffer)
    {
        if (_other is not null)
        {
            try
            {
                _other.Write(buffer);
                return buffer.Length;
            }
            catch (IOException failure)
            {
                throw new StandardStreamException(failure.HResult, failure.Message);
            }
        }

        nint written = WriteDescriptor(_descriptor, in MemoryMarshal.GetReference(buffer), (nuint)buffer.Length);
        if (written >= 0)
        {
            return (int)written;
        }

        int error = Marshal.GetLastPInvokeError();
        if (error is not (Interrupted or TryAgain))
        {
            throw new StandardStreamException(error, Marshal.GetPInvokeErrorMessage(error));
        }

        // Whoever shares the terminal has told it not to wait.
        Thread.Sleep(1);
        return 0;
    }

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteDescriptor(int descriptor, in byte buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(int descriptor, int command);
}
