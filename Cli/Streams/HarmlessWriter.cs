using System.Text;
using GumbelGan.Storage;

namespace GumbelGan.Cli.Streams;

/// <summary>A terminal's writer: characters that would act on the terminal arrive as question marks.</summary>
/// <param name="terminal">What is written to.</param>
internal sealed class HarmlessWriter(TextWriter terminal) : TextWriter
{
    public override Encoding Encoding => terminal.Encoding;

    public override void Write(char value) => terminal.Write(HarmlessText.Lines(value.ToString()));

    public override void Write(string? value) => terminal.Write(HarmlessText.Lines(value ?? ""));

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void Write(ReadOnlySpan<char> buffer) => Write(new string(buffer));

    public override void WriteLine() => terminal.WriteLine();

    public override void WriteLine(string? value) => terminal.WriteLine(HarmlessText.Lines(value ?? ""));

    public override void Flush() => terminal.Flush();
}
