using System.Text;

namespace GumbelGan.Cli.Streams;

/// <summary>Standard output that is closed: there is nowhere to write results to, and whoever tries is told so.</summary>
internal sealed class ClosedWriter : TextWriter
{
    private const int BadDescriptor = 9;

    public override Encoding Encoding => Encoding.UTF8;

    public override void Write(char value) => throw new StandardStreamException(BadDescriptor, "it is closed");
}
