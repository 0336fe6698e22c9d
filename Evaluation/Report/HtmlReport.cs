using System.Globalization;
using System.Text;
using GumbelGan.Evaluation.Comparison;
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

    private static string Title(RunComparison comparison) => "Comparison of " + string.Join(", ", comparison.Methods.Select(method => method.Name));

    private static void AppendHeader(StringBuilder page, RunComparison comparison, DateTimeOffset written)
    {
        page.Append("<header>\n<h1>").Append(Text(Title(comparison))).Append("</h1>\n<p>");
        page.Append(Text(string.Create(
            CultureInfo.InvariantCulture,
            $"{comparison.Runs.Count()} runs of {comparison.Methods.Count} methods; tested against {comparison.Baseline}. "
                + $"Written {written:yyyy-MM-dd HH:mm} UTC by GumbelGan.")));
        page.Append("</p>\n");
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
            + "<a href=\"#samples\">Samples</a> <a href=\"#configuration\">Configuration</a> <a href=\"#runs\">Runs</a> <a "
            + "href=\"#definitions\">Definitions</a></nav>\n</header>\n");
    }

    private static void AppendResults(StringBuilder page, RunComparison comparison)
    {
        page.Append("<section id=\"results\">\n<h2>Results</h2>\n");
        foreach (CheckpointChoice checkpoint in Enum.GetValues<CheckpointChoice>())
        {
            page.Append("<h3>").Append(Text(ComparisonText.Title(checkpoint))).Append("</h3>\n");
            AppendTable(page, ComparisonText.MetricTable(comparison, checkpoint));
        }

        if (comparison.Tests.Count > 0)
        {
            page.Append(CultureInfo.InvariantCulture, $"<details open><summary>Differences from {Text(comparison.Baseline)}; p corrected by Holm "
                + $"for all {comparison.Tests.Count} tests</summary>\n");
            AppendTable(page, ComparisonText.TestTable(comparison));
            page.Append("</details>\n");
        }

        page.Append("<h3>What each method cost</h3>\n");
        AppendTable(page, ComparisonText.CostTable(comparison));
        page.Append("</section>\n");
    }

    private static void AppendCharts(StringBuilder page, RunComparison comparison, ChartLibrary? charts)
    {
        page.Append("<section id=\"curves\">\n<h2>Learning curves</h2>\n<p>Mean over seeds; the band reaches from the smallest to the largest "
            + "seed.</p>\n");
        ReportPage.AppendCharts(page, ReportCharts.CurvePlace, charts);
        page.Append("</section>\n<section id=\"quality\">\n<h2>Quality and diversity over temperature</h2>\n<p>One point a sampling temperature, "
            + "mean over seeds; lines join neighbouring temperatures, and the ends are labelled with theirs.</p>\n");
        ReportPage.AppendCharts(page, ReportCharts.TradeOffPlace, charts);
        foreach (MethodSummary method in comparison.Methods)
        {
            double[] temperatures = [.. method.Runs.SelectMany(run => run.Evaluation.Sweep).Select(point => point.Temperature).Distinct().Order()];
            if (temperatures.Length > 0)
            {
                page.Append("<details><summary>").Append(Text($"Sweep of {method.Name} in numbers")).Append("</summary>\n");
                AppendTable(page, SweepTable(comparison, method, temperatures));
                page.Append("</details>\n");
            }
        }

        page.Append("</section>\n");
    }

    private static IReadOnlyList<string[]> SweepTable(RunComparison comparison, MethodSummary method, double[] temperatures)
    {
        Dictionary<double, Dictionary<string, SeedSummary>> summaries = temperatures.ToDictionary(
            temperature => temperature,
            temperature => MethodSummary.Summaries(method.Runs.SelectMany(run => run.Evaluation.Sweep)
                .Where(point => point.Temperature == temperature).Select(point => MethodSummary.Defined(point.Metrics))));
        string[] tags = [.. comparison.Tags.Where(tag => summaries.Values.Any(summary => summary.ContainsKey(tag)))];
        return
        [
            ["temperature", .. tags],
            .. temperatures.Select(temperature => (string[])
            [
                temperature.ToString("0.###", CultureInfo.InvariantCulture),
                .. tags.Select(tag => summaries[temperature].TryGetValue(tag, out SeedSummary? summary) ? ComparisonText.Number(summary.Mean) : "-"),
            ]),
        ];
    }

    private static void AppendSamples(StringBuilder page, RunComparison comparison)
    {
        page.Append("<section id=\"samples\">\n<h2>Samples side by side</h2>\n<p>The first samples of each method's lowest seed that has some, not "
            + "chosen.</p>\n<div class=\"samples\">\n");
        foreach (MethodSummary method in comparison.Methods)
        {
            EvaluatedRun? run = method.Runs.FirstOrDefault(candidate => candidate.Evaluation.Samples.Count > 0);
            page.Append("<article><h3>")
                .Append(Text(run is null ? method.Name : string.Create(CultureInfo.InvariantCulture, $"{method.Name}, seed {run.Evaluation.Seed}")))
                .Append("</h3>\n");
            page.Append(run is null ? "<p>none</p>" : "<ol>");
            foreach (string sample in run?.Evaluation.Samples.Take(SamplesShown) ?? [])
            {
                page.Append("<li>").Append(Text(sample)).Append("</li>");
            }

            page.Append(run is null ? "" : "</ol>").Append("</article>\n");
        }

        page.Append("</div>\n</section>\n");
    }

    private static void AppendConfiguration(StringBuilder page, RunComparison comparison)
    {
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

    private static void AppendRuns(StringBuilder page, RunComparison comparison)
    {
        page.Append("<section id=\"runs\">\n<h2>Runs</h2>\n");
        AppendTable(page,
        [
            ["run", "method", "seed", "status", "best step", "wall time, seconds", "commit", "corpus", "vocabulary"],
            .. comparison.Runs.Select(run => (string[])
            [
                run.Name,
                run.Evaluation.Method,
                run.Evaluation.Seed.ToString(CultureInfo.InvariantCulture),
                run.Evaluation.Status.ToString().ToLowerInvariant() + (run.Evaluation.StatusReason is { } reason ? $": {reason}" : ""),
                run.Evaluation.Best?.Step.ToString(CultureInfo.InvariantCulture) ?? "-",
                ComparisonText.Number(run.Evaluation.Budget.WallSeconds),
                Short(run.Environment.GetValueOrDefault("commit")),
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
