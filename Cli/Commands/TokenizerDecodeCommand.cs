using System.CommandLine;
using GumbelGan.Cli.Parsing;
using GumbelGan.Cli.Printing;
using GumbelGan.Tokenization;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan tokenizer decode</c>: ids to text.</summary>
internal static class TokenizerDecodeCommand
{
    public static Command Create(Surroundings surroundings) =>
        new RequestCommand<Request>("decode",
            "Writes the text of each line of ids, one sequence a line; it ends at the end token, and padding is left out. A control character "
            + "stands as its picture (a line feed as U+240A), so that a line stays a line; 'encode --escaped' reads it back.",
            request => Run(request, surroundings))
        {
            Examples = [new("gumbelgan tokenizer decode runs/coco/tokenizer test.ids", "the text of ids that encode wrote")],
        }
        .Word("folder", TokenizerCommand.FolderDescription, request => request.Folder, FileUse.Read)
        .Word("ids", "A text file with the ids of one sequence a line, separated by spaces.", request => request.Ids, FileUse.Read)
        .Text("--output", "file", "The file to write instead of standard output.", request => request.Output, FileUse.Write);

    private static int Run(Request request, Surroundings surroundings)
    {
        var tokenizer = TextTokenizer.Load(request.Folder);
        IEnumerable<string> lines = new CorpusReader(request.Ids).ReadLines()
            .Select(line => SequenceLine.Of(tokenizer.Decode(IdLine.Read(line, request.Ids, tokenizer))));
        ResultLines.Write(request.Output, surroundings, lines);
        return ExitCode.Done;
    }

    private sealed record Request
    {
        public string Folder { get; init; } = "";

        public string Ids { get; init; } = "";

        public string? Output { get; init; }
    }
}
