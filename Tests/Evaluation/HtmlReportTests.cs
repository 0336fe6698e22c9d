using System.Text.Json.Nodes;
using GumbelGan.Evaluation.Comparison;
using GumbelGan.Evaluation.Report;
using GumbelGan.Tests.Cli;
using Xunit;

namespace GumbelGan.Tests.Evaluation;

public sealed class HtmlReportTests
{
    private static readonly DateTimeOffset _written = new(2026, 1, 2, 3, 4, 0, TimeSpan.Zero);

    [Fact]
    public void Text_from_runs_is_escaped_wherever_it_appears()
    {
        const string Hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)>";
        using var made = new MadeUpRuns();
        EvaluationDocument evaluation = MadeUpRuns.Evaluation("mle", 1) with
        {
            Method = Hostile,
            StatusReason = Hostile,
            Selected = MadeUpRuns.Evaluation("mle", 1).Selected! with { Samples = [Hostile] },
            Configuration = MadeUpRuns.Configuration("mle", 1, "\"<b>64</b>\""),
            CorpusHash = Hostile,
            MetricNames = new Dictionary<string, string> { ["bleu"] = Hostile }
        };
        string page = Render([made.Write(evaluation, "one"), made.Write(MadeUpRuns.Evaluation("gumbel", 1), "two")],
            new ChartLibrary("/* library */", ""), force: true);
        Assert.DoesNotContain("<img", page);
        Assert.DoesNotContain("<b>", page);
        Assert.Equal(3, Count(page, "<script"));
        Assert.Equal(3, Count(page, "</script>"));
        Assert.Contains("&lt;/script&gt;&lt;script&gt;alert(1)", page);
        Assert.Contains("Forced comparison", page);
    }

    [Fact]
    public void Without_the_chart_library_the_page_keeps_its_tables_and_says_how_to_get_charts()
    {
        using var made = new MadeUpRuns();
        string page = Render(made.ThreeByThree(), charts: null);
        Assert.Contains(ChartLibrary.HowToGet, page);
        Assert.DoesNotContain("<script", page);
        Assert.Contains("script-src 'none'", page);
        Assert.Contains("held out", page);
        Assert.Contains("Sweep of gumbel, selected (step 400), in numbers", page);
        Assert.Contains("Sweep of gumbel, last (step 500), in numbers", page);
        Assert.Contains("collapsed: Its samples hold 3 distinct sequences.", page);
        Assert.Contains(">mle<", page);
    }

    [Fact]
    public void The_page_shows_the_numbers_of_the_text_table()
    {
        using var made = new MadeUpRuns();
        string[] folders = made.ThreeByThree();
        RunComparison comparison = RunComparison.Create([.. folders.Select(ComparedRun.Read)], new ComparisonOptions { UsualBaseline = "mle" });
        string page = Render(folders, charts: null);
        string row = Printed.Comparison(comparison).Split('\n').First(line => line.StartsWith("bleu/4 (", StringComparison.Ordinal));
        foreach (string cell in row.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            Assert.Contains(cell, page);
        }
    }

    [Fact]
    public void The_page_of_one_run_shows_its_samples_by_step_beside_real_lines_and_both_checkpoints()
    {
        using var made = new MadeUpRuns();
        string page = Render([made.Write(MadeUpRuns.Evaluation("gumbel", 2))], charts: null);
        Assert.Contains("<h1>Run gumbel-2</h1>", page);
        Assert.Contains("<h3>step 0</h3>\n<ol><li>written at step 0 by gumbel</li><li>&lt;b&gt;bold&lt;/b&gt;</li>", page);
        Assert.True(page.IndexOf("<h3>step 0</h3>", StringComparison.Ordinal) < page.IndexOf("<h3>step 500</h3>", StringComparison.Ordinal));
        Assert.Contains("<li>another &amp; another .</li>", page);
        Assert.Contains("gumbel, seed 2: last (step 500)", page);
        Assert.Contains("<li>a last gumbel sentence of seed 2 .</li>", page);
        Assert.Contains("gumbel, seed 2: selected (step 400)", page);
        Assert.Contains("<th scope=\"row\">generator.hidden</th><td>64</td>", page);
        Assert.DoesNotContain("Mean over seeds", page);
        Assert.DoesNotContain("tested against", page);
    }

    /// <summary>
    /// Runs Tests/Evaluation/report.test.mjs: charts drawn, no console error, no request, nothing wider than a phone, both colour schemes.
    /// </summary>
    [Fact]
    public async Task In_a_browser_the_charts_are_drawn_without_errors_or_requests()
    {
        using var made = new MadeUpRuns();
        JsonNode seen = await ReportInBrowser.Look(charts => Render(made.ThreeByThree(), charts), made.Folder);
        foreach (string view in new[] { "desktop-light", "phone-dark" })
        {
            // Two learning curves were recorded, and bleu/4 against self_bleu/4 and nll/test over temperatures.
            Assert.Equal(4, seen[view]!["charts"]!.GetValue<int>());
            Assert.Equal(4, seen[view]!["painted"]!.GetValue<int>());
            Assert.Equal("[]", seen[view]!["errors"]!.ToJsonString());
            Assert.Equal("[]", seen[view]!["requests"]!.ToJsonString());
            Assert.False(seen[view]!["overflows"]!.GetValue<bool>());
        }

        Assert.NotEqual(seen["desktop-light"]!["ground"]!.GetValue<string>(), seen["phone-dark"]!["ground"]!.GetValue<string>());
    }

    private static string Render(string[] folders, ChartLibrary? charts, bool force = false) =>
        HtmlReport.Render(RunComparison.Create([.. folders.Select(ComparedRun.Read)], new ComparisonOptions { UsualBaseline = "mle", Force = force }),
            charts, _written);

    private static int Count(string text, string part) => text.Split(part).Length - 1;
}
