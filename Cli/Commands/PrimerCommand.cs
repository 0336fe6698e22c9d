using System.CommandLine;
using GumbelGan.Cli.Parsing;
using GumbelGan.Cli.Printing;
using GumbelGan.Engine;
using GumbelGan.Evaluation.Report;
using GumbelGan.Primer;
using GumbelGan.Storage;

namespace GumbelGan.Cli.Commands;

/// <summary><c>gumbelgan primer</c>: the Gumbel trick for a reader who has never seen it, every claim measured.</summary>
internal static class PrimerCommand
{
    private const string DefaultPage = "runs/primer.html";

    private static readonly string[] _names = [.. Chapter.All.Select(chapter => chapter.Name)];

    public static Command Create(Surroundings surroundings) =>
        new RequestCommand<Request>("primer",
            "Explains the Gumbel trick from the beginning: runs small experiments, prints their numbers, and writes a page with text and plots.",
            request => Run(request, surroundings))
        {
            Examples =
            [
                new("gumbelgan primer", $"all chapters, and the page {DefaultPage}"),
                new("gumbelgan primer --only training --output training.html --json", "one chapter; its numbers for a script"),
            ],
        }
        .Text("--output", "file", $"The page: one self-contained HTML file; {DefaultPage} unless given.", request => request.Page, FileUse.Write)
        .Text("--only", "chapter", $"One chapter alone: {string.Join(", ", _names)}.",
            (request, name) => request with { Chapters = [Named(name)] }, _names)
        .Number("--seed", "Of all randomness; the same seed gives the same numbers.", request => request.Seed)
        .Text("--markdown", "file", "Also write text, numbers and code as Markdown: docs/primer.md.", request => request.Document, FileUse.Write)
        .Flag("--force", "Replace a file at --output that is not a page of the primer.", request => request.IsForced)
        .Flag("--json", "Print one JSON document instead of tables.", request => request.IsJson);

    private static int Run(Request request, Surroundings surroundings)
    {
        string page = request.Page ?? DefaultPage;
        Check(page, request);
        EngineSettings.Prepare(threads: 1);
        var notebooks = new List<Notebook>();
        foreach (Chapter chapter in surroundings.UntilCancelled(request.Chapters))
        {
            notebooks.Add(chapter.Run(request.Seed, surroundings.Clock));
            if (!request.IsJson)
            {
                PrimerTable.Write(notebooks[^1], new TableWriter(surroundings));
            }
        }

        var edition = new PrimerEdition(request.Seed, notebooks);
        Write(edition, page, request.Document, surroundings);
        if (request.IsJson)
        {
            surroundings.Output.WriteLine(edition.ToJson().ToJsonString(JsonFormat.Options));
        }

        return ExitCode.Done;
    }

    private static Chapter Named(string name) => Chapter.All.FirstOrDefault(chapter => chapter.Name == name)
        ?? throw new UserMistakeException($"--only must be one of {string.Join(", ", _names)}, not '{name}'.");

    // All that can be wrong with the page's file, before anything slow. The folder of runs may not be there yet.
    private static void Check(string page, Request request)
    {
        if (request.Page is not null && Path.GetDirectoryName(Path.GetFullPath(page)) is { } folder && !Directory.Exists(folder))
        {
            throw AtomicFile.Explain(page, new DirectoryNotFoundException());
        }

        if (!request.IsForced && File.Exists(page) && !File.ReadLines(page).Take(10).Contains(ReportPage.Mark(PrimerEdition.Generator)))
        {
            throw new UserMistakeException(
                $"'{page}' exists and is not a page of the primer; name another file with --output, or add --force to replace it.");
        }
    }

    private static void Write(PrimerEdition edition, string page, string? document, Surroundings surroundings)
    {
        if (page == DefaultPage)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(page)!);
        }

        PageFile.Write(page, "page", edition.ToHtml, surroundings);
        if (document is not null)
        {
            AtomicFile.WriteAllText(document, edition.ToMarkdown());
            surroundings.Error.WriteLine($"The document is {document}.");
        }
    }

    private sealed record Request
    {
        public string? Page { get; init; }

        public IReadOnlyList<Chapter> Chapters { get; init; } = Chapter.All;

        public ulong Seed { get; init; } = 1;

        public string? Document { get; init; }

        public bool IsForced { get; init; }

        public bool IsJson { get; init; }
    }
}
