namespace GumbelGan.Cli.Streams;

/// <summary>Standard output cannot be written any more.</summary>
/// <param name="error">The system's number of the reason.</param>
/// <param name="message">The system's words for it.</param>
internal sealed class StandardStreamException(int error, string message) : IOException(message)
{
    private const int BrokenPipe = 32, WindowsBrokenPipe = unchecked((int)0x8007006D), WindowsClosedPipe = unchecked((int)0x800700E8);

    /// <summary>Whether the reader has read enough and gone, as <c>head</c> does: nothing has failed then.</summary>
    public bool IsReaderGone => error is BrokenPipe or WindowsBrokenPipe or WindowsClosedPipe;
}
