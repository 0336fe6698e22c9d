using System.Text;

namespace GumbelGan.Cli.Streams;

/// <summary>
/// Standard error: what people read while the work goes on. Where it cannot be written (closed, on a full disk, its terminal gone), the work matters
/// more than the words, and they are dropped.
/// </summary>
/// <param name="writer">What is written to.</param>
internal sealed class LenientWriter(TextWriter writer) : TextWriter
{
    private bool _isBroken;

    public override Encoding Encoding => writer.Encoding;

    public override void Write(char value) => Try(() => writer.Write(value));

    public override void Write(string? value) => Try(() => writer.Write(value));

    public override void Write(char[] buffer, int index, int count) => Try(() => writer.Write(buffer, index, count));

    public override void WriteLine() => Try(writer.WriteLine);

    public override void WriteLine(string? value) => Try(() => writer.WriteLine(value));

    public override void Flush() => Try(writer.Flush);

    private void Try(Action write)
    {
        if (_isBroken)
        {
            return;
        }

        try
        {
            write();
        }
        catch (IOException)
        {
            _isBroken = true;
        }
    }
}
