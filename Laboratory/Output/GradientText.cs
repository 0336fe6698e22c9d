using System.Globalization;
using System.Text;
using GumbelGan.Evaluation;

namespace GumbelGan.Laboratory.Output;

/// <summary>Tables as text, with the definitions of their columns.</summary>
public static class GradientText
{
    // A smaller number is rounding error, and shown as 0.
    private const double Negligible = 1e-9;

    /// <summary>Writes the tables, then what their columns mean.</summary>
    /// <param name="tables">The tables.</param>
    /// <param name="writeLine">Takes a line of text; an empty one separates paragraphs.</param>
    /// <param name="writeTable">Takes a table; the first row is the heading.</param>
    public static void Write(IReadOnlyList<GradientTable> tables, Action<string> writeLine, Action<IReadOnlyList<string[]>> writeTable)
    {
        foreach (GradientTable table in tables)
        {
            writeLine(table.Title);
            writeLine(Facts(table));
            foreach (string note in table.Notes)
            {
                writeLine(note);
            }

            writeLine("");
            writeTable(Rows(table));
            writeLine("");
        }

        foreach ((string name, string meaning) in GradientTable.Definitions)
        {
            writeLine($"{name.Replace('_', ' ')}: {meaning}");
        }
    }

    /// <summary>The same as plain text, one line feed a line.</summary>
    internal static string Render(IReadOnlyList<GradientTable> tables)
    {
        var text = new StringBuilder();
        Write(tables, line => text.Append(line).Append('\n'), rows => text.Append(TextTable.Render(rows)));
        return text.ToString();
    }

    /// <summary>The numbers of the setting in a line.</summary>
    internal static string Facts(GradientTable table) =>
        string.Join(", ", table.Setting.Select(fact => $"{fact.Name.Replace('_', ' ')} {Number(fact.Value)}"));

    /// <summary>A table as cells; the first row is the heading.</summary>
    public static IReadOnlyList<string[]> Rows(GradientTable table)
    {
        bool isBatch = table.Rows.Any(row => row.BatchCosine is not null);
        return
        [
            [
                "estimator", "temperature", "feedback", "moments", "relative bias", "cosine", "norm ratio",
                    .. isBatch ? new[] { "noise of a batch", "cosine of a batch" } : ["variance", "MSE"],
                "us/sequence", "us x MSE",
            ],
            .. table.Rows.Select(row => (string[])
            [
                row.Estimator,
                row.Temperature is { } temperature ? Number(temperature) : "-",
                row.Feedback?.ToString().ToLowerInvariant() ?? "-",
                row.Source.ToString().ToLowerInvariant(),
                Cell(row.Quality.RelativeBias),
                Cell(row.Quality.Cosine),
                Cell(row.Quality.NormRatio),
                .. isBatch
                    ? new[] { Number(Math.Sqrt(row.Quality.Variance.Value)), row.BatchCosine is { } cosine ? Cell(cosine) : "-" }
                    : [Cell(row.Quality.Variance), Cell(row.Quality.MeanSquaredError)],
                Number(row.Microseconds),
                Number(row.MicrosecondsAUnitOfError),
            ]),
        ];
    }

    /// <summary>A number with about three significant digits.</summary>
    internal static string Number(double value)
    {
        if (!double.IsFinite(value))
        {
            return "unresolved";
        }

        int digits = value == 0 || Math.Abs(value) < Negligible ? 0 : Math.Clamp(2 - (int)Math.Floor(Math.Log10(Math.Abs(value))), 0, 6);
        return value.ToString(digits == 0 ? "0" : "0." + new string('#', digits), CultureInfo.InvariantCulture);
    }

    private static string Cell(Estimate estimate) =>
        estimate.Error is { } error && double.IsFinite(estimate.Value) ? $"{Number(estimate.Value)} +- {Number(error)}" : Number(estimate.Value);
}
