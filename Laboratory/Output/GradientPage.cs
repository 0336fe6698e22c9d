using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using GumbelGan.Evaluation.Report;
using static GumbelGan.Evaluation.Report.ReportPage;

namespace GumbelGan.Laboratory.Output;

/// <summary>Tables as one self-contained HTML page: for each setting its charts over temperature, and its table.</summary>
public static class GradientPage
{
    // The band reaches two standard errors to either side.
    private const double BandErrors = 2;

    private static readonly (string Title, Func<GradientRow, Estimate> Of, bool IsLogarithmic)[] _charts =
    [
        ("relative bias", row => row.Quality.RelativeBias, false), ("cosine of mean and truth", row => row.Quality.Cosine, false),
        ("variance", row => row.Quality.Variance, true), ("mean squared error", row => row.Quality.MeanSquaredError, true),
    ];

    /// <summary>The page.</summary>
    /// <param name="tables">What was measured.</param>
    /// <param name="charts">The chart library; without it (null) the page keeps its tables and says how to get the charts.</param>
    /// <param name="written">The time to print on the page.</param>
    public static string Render(IReadOnlyList<GradientTable> tables, ChartLibrary? charts, DateTimeOffset written)
    {
        const string Title = "Gradient estimators";
        var page = new StringBuilder();
        page.Append("<header>\n<h1>").Append(Title).Append("</h1>\n<p>").Append(Text(string.Create(
            CultureInfo.InvariantCulture,
                $"Bias and variance, relative to the length of the true gradient. Written {written:yyyy-MM-dd HH:mm} UTC by GumbelGan.")))
            .Append("</p>\n</header>\n");
        var drawn = new JsonArray();
        for (int i = 0; i < tables.Count; i++)
        {
            GradientTable table = tables[i];
            string place = string.Create(CultureInfo.InvariantCulture, $"charts-{i}");
            page.Append("<section>\n<h2>").Append(Text(table.Title)).Append("</h2>\n<p>").Append(Text(GradientText.Facts(table))).Append("</p>\n");
            foreach (string note in table.Notes)
            {
                page.Append("<p>").Append(Text(note)).Append("</p>\n");
            }

            AppendCharts(page, place, charts);
            AppendTable(page, GradientText.Rows(table));
            page.Append("</section>\n");
            foreach (LineChart chart in Charts(table))
            {
                drawn.Add((JsonNode)chart.ToJson(place));
            }
        }

        page.Append("<section id=\"definitions\">\n<h2>Definitions</h2>\n<dl>\n");
        foreach ((string name, string meaning) in GradientTable.Definitions)
        {
            page.Append("<dt>").Append(Text(name.Replace('_', ' '))).Append("</dt><dd>").Append(Text(meaning)).Append("</dd>\n");
        }

        page.Append("</dl>\n</section>\n");
        return ReportPage.Render(Title, "gumbelgan gradients", page, charts, new JsonObject { ["charts"] = drawn });
    }

    private static IEnumerable<LineChart> Charts(GradientTable table) => _charts.Select(chart => new LineChart(
        chart.Title, "temperature", [.. table.Rows.GroupBy(row => (row.Estimator, row.Feedback))
            .Select(rows => Line(table, [.. rows.OrderBy(row => row.Temperature)], chart.Of, chart.IsLogarithmic))])
    {
        HasLogarithmicX = true,
        HasLogarithmicY = chart.IsLogarithmic,
    });

    // An estimator without a temperature is a level line across the temperatures of the others.
    private static ChartLine Line(GradientTable table, GradientRow[] rows, Func<GradientRow, Estimate> of, bool isLogarithmic)
    {
        double[] all = [.. table.Rows.Select(row => row.Temperature).OfType<double>().Distinct().Order()];
        bool isLevel = rows[0].Temperature is null;
        double[] x = isLevel ? all : [.. rows.Select(row => row.Temperature!.Value)];
        Estimate[] values = isLevel ? [.. all.Select(_ => of(rows[0]))] : [.. rows.Select(of)];
        string feedback = rows[0].Feedback is { } read ? $", {read.ToString().ToLowerInvariant()} feedback" : "";
        return new ChartLine(rows[0].Estimator + feedback, x, [.. values.Select(value => value.Value)])
        {
            Band = Array.TrueForAll(values, value => value.Error is null)
                ? null
                : ([.. values.Select(value => Lower(value, isLogarithmic))],
                    [.. values.Select(value => value.Value + BandErrors * (value.Error ?? 0))]),
        };
    }

    // A logarithmic axis has no place for what is not positive: a band never falls below half its value there.
    private static double Lower(Estimate value, bool isLogarithmic)
    {
        double lower = value.Value - BandErrors * (value.Error ?? 0);
        return isLogarithmic ? Math.Max(value.Value / BandErrors, lower) : lower;
    }
}
