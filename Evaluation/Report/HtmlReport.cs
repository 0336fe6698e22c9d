using System.Globalization;
using System.Text;
using GumbelGan.Evaluation.Comparison;
using GumbelGan.Evaluation.Metrics;
using static GumbelGan.Evaluation.Report.ReportPage;

namespace GumbelGan.Evaluation.Report;

/// <summary>A comparison as one HTML page that needs nothing else, in the frame of <see cref="ReportPage"/>.</summary>
public static class HtmlReport
{
    private const int SamplesShown = 12;

    /// <summary>The page.</summary>
    /// <param name="comparison">What to show.</param>
    /// <param name="charts">The chart library; without it (null) the page keeps its tables and says how to get the charts.</param>
    /// <param name="written">The time to print on the page.</param>
    public static string Render(RunComparison comparison, ChartLibrary? charts, DateTimeOffset written)
    {
        var page = new StringBuilder();
        AppendHeader(page, comparison, written);
        AppendResults(page, comparison);
        AppendCharts(page, comparison, charts);
        AppendSamples(page, comparison);
        AppendConfiguration(page, comparison);
        AppendRuns(page, comparison);
        AppendDefinitions(page, comparison);
        return ReportPage.Render(Title(comparison), generator: null, page, charts, ReportCharts.Document(comparison));
    }

    private static string Title(RunComparison comparison) => comparison.Runs.Count() == 1
        ? $"Run {comparison.Runs.Single().Name}" : "Comparison of " + string.Join(", ", comparison.Methods.Select(method => method.Name));

    private static void AppendHeader(StringBuilder page, RunComparison comparison, DateTimeOffset written)
    {
        page.Append("<header>\n<h1>").Append(Text(Title(comparison))).Append("</h1>\n<p>");
        page.Append(Text(string.Create(CultureInfo.InvariantCulture, $"{Subject(comparison)} Written {written:yyyy-MM-dd HH:mm} UTC by GumbelGan.")));
        page.Append("</p>\n");
        foreach (string note in comparison.Notes)
        {
            page.Append("<p class=\"warning\">").Append(Text(note)).Append(".</p>\n");
        }

        if (comparison.Objections.Count > 0)
        {
            page.Append("<div class=\"warning\" role=\"alert\"><strong>Forced comparison.</strong> These runs do not compare:<ul>");
            foreach (string objection in comparison.Objections)
            {
                page.Append("<li>").Append(Text(objection)).Append(".</li>");
            }

            page.Append("</ul></div>\n");
        }

        page.Append("<nav><a href=\"#results\">Results</a> <a href=\"#curves\">Learning curves</a> <a href=\"#quality\">Quality and diversity</a> "
            + "<a href=\"#samples\">Samples</a> <a href=\"#steps\">Samples by step</a> <a href=\"#configuration\">Configuration</a> <a "
            + "href=\"#runs\">Runs</a> <a "
            + "href=\"#definitions\">Definitions</a></nav>\n</header>\n");
    }

    private static string Subject(RunComparison comparison) => comparison.Runs.Count() == 1
        ? string.Create(CultureInfo.InvariantCulture, $"{comparison.Baseline}, seed {comparison.Runs.Single().Evaluation.Seed}.")
        : comparison.Methods.Count == 1 ? $"{comparison.Runs.Count()} runs of {comparison.Baseline}."
        : $"{comparison.Runs.Count()} runs of {comparison.Methods.Count} methods; tested against {comparison.Baseline}.";

    private static void AppendResults(StringBuilder page, RunComparison comparison)
    {
        page.Append("<section id=\"results\">\n<h2>Results</h2>\n");
        foreach ((string title, IReadOnlyList<string[]> table) in ComparisonText.MetricTables(comparison))
        {
            page.Append("<h3>").Append(Text(title)).Append("</h3>\n");
            AppendTable(page, table);
        }

        if (comparison.Tests.Count > 0)
        {
            page.Append(CultureInfo.InvariantCulture, $"<details open><summary>Differences from {Text(comparison.Baseline)}; p corrected by Holm "
                + $"for all {comparison.Tests.Count} tests</summary>\n");
            AppendTable(page, ComparisonText.TestTable(comparison));
            page.Append("</details>\n");
        }

        page.Append(comparison.Methods.Count == 1 ? "<h3>What it cost</h3>\n" : "<h3>What each method cost</h3>\n");
        AppendTable(page, ComparisonText.CostTable(comparison));
        page.Append("</section>\n");
    }

    private static void AppendCharts(StringBuilder page, RunComparison comparison, ChartLibrary? charts)
    {
        bool overSeeds = comparison.Methods.Any(method => method.Runs.Count > 1);
        string truncation = string.Concat(comparison.Runs.Select(run => run.Evaluation.Truncation).Where(text => text.Length > 0).Distinct()
            .Select(text => ", " + Text(text)));
        page.Append("<section id=\"curves\">\n<h2>Learning curves</h2>\n")
            .Append(overSeeds ? "<p>Mean over seeds; the band reaches from the smallest to the largest seed.</p>\n" : "");
        ReportPage.AppendCharts(page, ReportCharts.CurvePlace, charts);
        page.Append("</section>\n<section id=\"quality\">\n<h2>Quality and diversity over temperature</h2>\n<p>One point a sampling temperature")
            .Append(truncation).Append(overSeeds ? ", mean over seeds" : "")
            .Append("; lines join neighbouring temperatures, and the ends are labelled with theirs. ")
            .Append("Full lines are last checkpoints, broken ones selected checkpoints.</p>\n");
        ReportPage.AppendCharts(page, ReportCharts.TradeOffPlace, charts);
        foreach ((MethodSummary method, CheckpointChoice checkpoint) in Checkpoints(comparison)
            .Where(column => column.Method.Sweep(column.Which).Count > 0))
        {
            page.Append("<details><summary>").Append(Text($"Sweep of {method.Name}, {ComparisonText.Name(method, checkpoint)}, in numbers"))
                .Append("</summary>\n");
            AppendTable(page, SweepTable(comparison, method, checkpoint));
            page.Append("</details>\n");
        }

        page.Append("</section>\n");
    }

    // The checkpoints of all methods, each model once.
    private static IEnumerable<(MethodSummary Method, CheckpointChoice Which)> Checkpoints(RunComparison comparison) =>
        comparison.Methods.SelectMany(method => ComparisonText.Shown(method).Select(checkpoint => (method, checkpoint)));

    private static IReadOnlyList<string[]> SweepTable(RunComparison comparison, MethodSummary method, CheckpointChoice checkpoint)
    {
        var sweep = method.Sweep(checkpoint);
        string[] tags = [.. comparison.Tags.Where(tag => sweep.Any(point => point.Metrics.ContainsKey(tag)))];
        return
        [
            ["temperature", .. tags],
            .. sweep.Select(point => (string[])
            [
                point.Temperature.ToString("0.###", CultureInfo.InvariantCulture),
                .. tags.Select(tag => point.Metrics.TryGetValue(tag, out SeedSummary? summary) ? ComparisonText.Number(summary.Mean) : "-"),
            ]),
        ];
    }

    private static void AppendSamples(StringBuilder page, RunComparison comparison)
    {
        page.Append("<section id=\"samples\">\n<h2>Samples side by side</h2>\n<p>The first samples of each method's lowest seed that has some, not "
            + "chosen.</p>\n<div class=\"samples\">\n");
        foreach ((MethodSummary method, CheckpointChoice checkpoint) in Checkpoints(comparison))
        {
            ComparedRun? run = method.Runs.FirstOrDefault(candidate => candidate.Evaluation.At(checkpoint)?.Samples.Count > 0);
            AppendLines(page, run is null ? method.Name : string.Create(CultureInfo.InvariantCulture,
                $"{method.Name}, seed {run.Evaluation.Seed}: {ComparisonText.Name(MethodSummary.Of(method.Name, [run]), checkpoint)}"),
                run?.Evaluation.At(checkpoint)!.Samples ?? []);
        }

        page.Append("</div>\n</section>\n<section id=\"steps\">\n<h2>Samples by step</h2>\n<p>What the generator wrote while it trained, from one "
            + "fixed sampling seed, beside real held-out lines; of each method the lowest seed.</p>\n");
        foreach (ComparedRun run in comparison.Methods.Select(method => method.Runs.FirstOrDefault(run => run.SamplesByStep.Count > 0))
            .OfType<ComparedRun>())
        {
            page.Append(comparison.Methods.Count == 1 ? "<details open><summary>" : "<details><summary>")
                .Append(Text(string.Create(CultureInfo.InvariantCulture, $"{run.Evaluation.Method}, seed {run.Evaluation.Seed}")))
                .Append("</summary>\n<div class=\"steps\" tabindex=\"0\">\n");
            AppendLines(page, "real lines", run.RealSamples);
            foreach ((long step, IReadOnlyList<string> lines) in run.SamplesByStep)
            {
                AppendLines(page, string.Create(CultureInfo.InvariantCulture, $"step {step}"), lines);
            }

            page.Append("</div></details>\n");
        }

        page.Append("</section>\n");
    }

    private static void AppendLines(StringBuilder page, string title, IReadOnlyList<string> lines)
    {
        page.Append("<article><h3>").Append(Text(title)).Append(lines.Count == 0 ? "</h3>\n<p>none</p>" : "</h3>\n<ol>");
        foreach (string line in lines.Take(SamplesShown))
        {
            page.Append("<li>").Append(Text(line)).Append("</li>");
        }

        page.Append(lines.Count == 0 ? "" : "</ol>").Append("</article>\n");
    }

    private static void AppendConfiguration(StringBuilder page, RunComparison comparison)
    {
        if (comparison.Runs.Count() == 1)
        {
            AppendConfigurationOf(page, comparison.Runs.Single());
            return;
        }

        page.Append("<section id=\"configuration\">\n<h2>Where configurations differ</h2>\n");
        if (comparison.ConfigurationDifferences.Count == 0)
        {
            page.Append("<p>Nowhere.</p>\n</section>\n");
            return;
        }

        AppendTable(page,
        [
            ["key", .. comparison.Methods.Select(method => method.Name)],
            .. comparison.ConfigurationDifferences.Select(difference => (string[])
            [
                difference.Key,
                .. comparison.Methods.Select(
                    method => string.Join(", ", method.Runs.Select(run => difference.Values.GetValueOrDefault(run.Name) ?? "-").Distinct())),
            ]),
        ]);
        page.Append("</section>\n");
    }

    private static void AppendConfigurationOf(StringBuilder page, ComparedRun run)
    {
        page.Append("<section id=\"configuration\">\n<h2>Configuration</h2>\n<details><summary>Every key</summary>\n");
        AppendTable(page, [["key", "value"], .. run.Evaluation.Configuration.Select(pair => (string[])[pair.Key, pair.Value])]);
        page.Append("</details>\n</section>\n");
    }

    private static void AppendRuns(StringBuilder page, RunComparison comparison)
    {
        page.Append("<section id=\"runs\">\n<h2>Runs</h2>\n");
        AppendTable(page,
        [
            ["run", "method", "seed", "status", "selected step", "last step", "wall time, seconds", "commit", "corpus", "vocabulary"],
            .. comparison.Runs.Select(run => (string[])
            [
                run.Name,
                run.Evaluation.Method,
                run.Evaluation.Seed.ToString(CultureInfo.InvariantCulture),
                run.Evaluation.Status.ToString().ToLowerInvariant() + (run.Evaluation.StatusReason is { } reason ? $": {reason}" : ""),
                run.Evaluation.Selected?.Step.ToString(CultureInfo.InvariantCulture) ?? "-",
                run.Evaluation.Last?.Step.ToString(CultureInfo.InvariantCulture) ?? "-",
                ComparisonText.Number(run.Evaluation.Budget.WallSeconds),
                Short(run.Evaluation.Commit),
                Short(run.Evaluation.CorpusHash),
                Short(run.Evaluation.VocabularyHash),
            ]),
        ]);
        page.Append("</section>\n");
    }

    private static void AppendDefinitions(StringBuilder page, RunComparison comparison)
    {
        page.Append("<section id=\"definitions\">\n<h2>Definitions</h2>\n<dl>\n");
        foreach (Metric metric in MetricCatalogue.All.Where(metric => comparison.Tags.Any(tag => MetricCatalogue.ForTag(tag) == metric)))
        {
            page.Append("<dt>").Append(Text(comparison.MetricNames.GetValueOrDefault(metric.Key, metric.Key)))
                .Append("</dt><dd>").Append(Text(metric.Definition)).Append("</dd>\n");
        }

        page.Append("</dl>\n</section>\n");
    }

    private static string Short(string? hash) => hash is null ? "-" : hash.Length > 12 ? hash[..12] : hash;
}
