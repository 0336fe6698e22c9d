using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using GumbelGan.Evaluation;
using GumbelGan.Evaluation.Report;
using GumbelGan.Training.Sweeps;
using static GumbelGan.Evaluation.Report.ReportPage;

namespace GumbelGan.Cli.Printing;

/// <summary>The curves of a sweep: as a table, and as a page with a chart.</summary>
internal static class SweepPage
{
    /// <summary>A row a value of the key, a column a method: mean and half of the 95% interval over seeds.</summary>
    public static IReadOnlyList<string[]> Rows(SweepCurves curves) =>
    [
        [curves.Key, .. curves.Curves.Select(curve => curve.Method)],
        .. Values(curves).Select(x => (string[])[Shown(x), .. curves.Curves.Select(curve => At(curve, x) is { } summary ? Shown(summary) : "")]),
    ];

    /// <summary>The page.</summary>
    /// <param name="curves">What it shows.</param>
    /// <param name="file">Where they are from, for the title.</param>
    /// <param name="charts">The chart library; without it (null) the page is its table.</param>
    public static string Render(SweepCurves curves, string file, ChartLibrary? charts)
    {
        const string Place = "curves";
        string title = $"{curves.Tag} against {curves.Key}";
        var page = new StringBuilder();
        page.Append("<header>\n<h1>").Append(Text(title)).Append("</h1>\n<p>").Append(Text(
            $"Runs of {file}, at the end of their training; mean and 95% interval over seeds. Where a method was tried with "
                + "several settings at one value, its best is shown.")).Append("</p>\n</header>\n<section>\n");
        AppendCharts(page, Place, charts);
        AppendTable(page, Rows(curves));
        page.Append("</section>\n");
        bool isWide = Values(curves) is [> 0, .., var last] values && last / values[0] > 8;
        bool isPositive = curves.Curves.All(curve => curve.Points.All(point => point.Summary.Mean > 0));
        var chart = new LineChart(title, curves.Key, [.. curves.Curves.Select(Line)])
        {
            HasLogarithmicX = isWide,
            HasLogarithmicY = isPositive,
        };
        return ReportPage.Render(title, "gumbelgan sweep", page, charts, new JsonObject { ["charts"] = new JsonArray(chart.ToJson(Place)) });
    }

    private static ChartLine Line(SweepCurve curve) =>
        new(curve.Method, [.. curve.Points.Select(point => point.X)], [.. curve.Points.Select(point => point.Summary.Mean)])
        {
            // A logarithmic axis has no place for an interval that reaches below zero, so its band ends at a tenth of the mean.
            Band = ([.. curve.Points.Select(point => Math.Max(Lower(point.Summary), point.Summary.Mean / 10))],
                [.. curve.Points.Select(point => point.Summary.Count < 2 ? point.Summary.Mean : point.Summary.Interval.Upper)]),
        };

    private static double Lower(SeedSummary summary) => summary.Count < 2 ? summary.Mean : summary.Interval.Lower;

    private static double[] Values(SweepCurves curves) =>
        [.. curves.Curves.SelectMany(curve => curve.Points.Select(point => point.X)).Distinct().Order()];

    private static SeedSummary? At(SweepCurve curve, double x) =>
        curve.Points.Where(point => point.X == x).Select(point => point.Summary).FirstOrDefault();

    private static string Shown(double value) => value.ToString("G6", CultureInfo.InvariantCulture);

    private static string Shown(SeedSummary summary) => summary.Count < 2 ? string.Create(CultureInfo.InvariantCulture, $"{summary.Mean:G3}")
        : string.Create(CultureInfo.InvariantCulture, $"{summary.Mean:G3} ± {(summary.Interval.Upper - summary.Interval.Lower) / 2:G2}");
}
