using System.CommandLine;
using System.Globalization;
using GumbelGan.Cli.Parsing;
using GumbelGan.Cli.Printing;
using GumbelGan.Tokenization;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan tokenizer encode</c>: text to ids.</summary>
internal static class TokenizerEncodeCommand
{
    public static Command Create(Surroundings surroundings) =>
        new RequestCommand<Request>("encode", "Writes the ids of each line of a text file, separated by spaces, without begin and end tokens.",
            request => Run(request, surroundings))
        {
            Examples = [new("gumbelgan tokenizer encode runs/coco/tokenizer corpora/image_coco_test.txt --output test.ids",
                "the test file as that run sees it")],
        }
        .Word("folder", TokenizerCommand.FolderDescription, request => request.Folder, FileUse.Read)
        .Word("text", "A UTF-8 text file.", request => request.Text, FileUse.Read)
        .Flag("--escaped", "Lines are as 'decode' and 'sample' write them: control characters stand as their pictures.",
            request => request.IsEscaped)
        .Text("--output", "file", "The file to write instead of standard output.", request => request.Output, FileUse.Write);

    private static int Run(Request request, Surroundings surroundings)
    {
        var tokenizer = TextTokenizer.Load(request.Folder);
        IEnumerable<string> lines = new CorpusReader(request.Text, trim: false).ReadLines()
            .Select(line => request.IsEscaped ? SequenceLine.Text(line.Text) : line.Text)
            .Select(text => string.Join(' ', tokenizer.Encode(text).Select(id => id.ToString(CultureInfo.InvariantCulture))));
        ResultLines.Write(request.Output, surroundings, lines);
        return ExitCode.Done;
    }

    private sealed record Request
    {
        public string Folder { get; init; } = "";

        public string Text { get; init; } = "";

        public bool IsEscaped { get; init; }

        public string? Output { get; init; }
    }
}
