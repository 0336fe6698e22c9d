using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using GumbelGan.Cli;
using GumbelGan.Evaluation.Report;
using GumbelGan.Primer;
using GumbelGan.Tests.Cli;
using GumbelGan.Tests.Evaluation;
using GumbelGan.Tests.Storage;
using Xunit;

namespace GumbelGan.Tests.Primer;

public sealed partial class PrimerPageTests
{
    [Fact]
    public void The_page_holds_every_chapter_with_its_exhibits_and_leaves_no_place_in_the_text_unfilled()
    {
        string page = PrimerRun.Edition.ToHtml(new ChartLibrary("/* library */", ""));
        string prose = page[..page.IndexOf("<script", StringComparison.Ordinal)];
        Assert.DoesNotContain("**", prose, StringComparison.Ordinal);
        Assert.DoesNotContain("![", prose, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"\{[a-z0-9_]+:", prose[prose.IndexOf("<body>", StringComparison.Ordinal)..]);
        foreach (Notebook notebook in PrimerRun.Edition.Notebooks)
        {
            Assert.Contains($"<section class=\"prose\" id=\"{notebook.Chapter.Name}\">", prose, StringComparison.Ordinal);
            Assert.NotEmpty(notebook.Exhibits);
            Assert.All(notebook.Numbers.Values, number => Assert.True(double.IsFinite(number)));
            string text = PrimerText.Source(notebook.Chapter);
            Assert.All(notebook.Exhibits.Keys, name => Assert.Contains($"\n![{name}]\n", text, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Without_the_chart_library_the_page_keeps_its_text_and_says_how_to_get_charts()
    {
        string page = PrimerRun.Edition.ToHtml(charts: null);
        Assert.Contains(ChartLibrary.HowToGet, page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.Contains("with normal noise", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task In_a_browser_every_chart_is_drawn_without_errors_or_requests()
    {
        using var folder = new TemporaryFolder();
        JsonNode seen = await ReportInBrowser.Look(charts => PrimerRun.Edition.ToHtml(charts), folder.Path);
        int charts = PrimerRun.Edition.Notebooks.Sum(notebook => notebook.Exhibits.Values.OfType<ChartExhibit>().Count());
        foreach (string view in new[] { "desktop-light", "phone-dark" })
        {
            Assert.Equal(charts, seen[view]!["charts"]!.GetValue<int>());
            Assert.Equal("[]", seen[view]!["errors"]!.ToJsonString());
            Assert.Equal("[]", seen[view]!["requests"]!.ToJsonString());
            Assert.False(seen[view]!["overflows"]!.GetValue<bool>());
        }
    }

    [Theory]
    [InlineData("gumbel")]
    [InlineData("training")]
    [InlineData("subsets")]
    public void A_chapter_alone_gives_the_same_numbers_again_and_others_for_another_seed(string name)
    {
        IReadOnlyDictionary<string, double> first = PrimerRun.Numbers(name);
        Assert.Equal(first, Chapter.All.Named(name).Run(PrimerRun.Seed, TimeProvider.System).Numbers);
        Assert.NotEqual(first, Chapter.All.Named(name).Run(PrimerRun.Seed + 1, TimeProvider.System).Numbers);
    }

    [Fact]
    public void The_command_replaces_its_own_page_and_no_other_file_unless_forced()
    {
        using var folder = new TemporaryFolder();
        string page = Path.Combine(folder.Path, "page.html");
        string[] arguments = ["primer", "--only", "gumbel", "--output", page, "--json"];
        File.WriteAllText(page, "mine");
        ProgramRun refused = ProgramRun.Of(arguments);
        Assert.Equal((ExitCode.UserMistake, ""), (refused.ExitCode, refused.Output));
        Assert.StartsWith($"'{page}' exists and is not a page of the primer; name another file", refused.Error, StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(page));
        ProgramRun lost = ProgramRun.Of("primer", "--output", Path.Combine(folder.Path, "absent", "page.html"));
        Assert.Equal((ExitCode.UserMistake, ""), (lost.ExitCode, lost.Output));
        Assert.Equal(ExitCode.Done, ProgramRun.Of([.. arguments, "--force"]).ExitCode);
        ProgramRun again = ProgramRun.Of(arguments);
        Assert.Equal(ExitCode.Done, again.ExitCode);
        JsonNode chapter = Assert.Single(JsonNode.Parse(again.Output)!["chapters"]!.AsArray())!;
        Assert.Equal("gumbel", chapter["name"]!.GetValue<string>());
        Assert.Equal(PrimerRun.Numbers("gumbel")["mean"], chapter["numbers"]!["mean"]!.GetValue<double>());
    }

    /// <summary>Numbers may differ in the last digit from machine to machine, so any number serves; all else must be as it is written now.</summary>
    [Fact]
    public void The_document_is_what_a_run_writes_but_for_its_numbers()
    {
        string document = File.ReadAllText(Path.Combine(SourceTree.Root, "docs", "primer.md"));
        Assert.Equal(Number().Replace(PrimerRun.Edition.ToMarkdown(), "#"), Number().Replace(document, "#"));
    }

    [Fact]
    public void The_code_in_the_document_is_the_class_that_is_compiled_and_run()
    {
        string document = File.ReadAllText(Path.Combine(SourceTree.Root, "docs", "primer.md"));
        string code = Assert.Single(Example().Matches(document)).Groups["code"].Value;
        Assert.Equal(File.ReadAllText(Path.Combine(SourceTree.Root, "Primer", "LoadedDie.cs")), code);
    }

    [GeneratedRegex(@"-?\d[\d,]*(\.\d+)?")]
    private static partial Regex Number();

    [GeneratedRegex("```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Example();
}
