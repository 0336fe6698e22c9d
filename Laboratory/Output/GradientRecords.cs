using GumbelGan.Training.Recording;

namespace GumbelGan.Laboratory.Output;

/// <summary>
/// Tables as charts for TensorBoard: a folder for each setting, a tag for each quality and estimator. The step is the temperature in thousandths.
/// </summary>
public static class GradientRecords
{
    private const double Thousandths = 1000;

    /// <summary>Writes them below <paramref name="folder"/>; an estimator without a temperature is at step 0.</summary>
    /// <exception cref="Storage.UserMistakeException">The folder holds records already, or cannot be written to.</exception>
    public static void Write(string folder, IReadOnlyList<GradientTable> tables)
    {
        foreach (GradientTable table in tables)
        {
            string path = tables.Count == 1
                ? folder : Path.Combine(folder, table.Title.Replace(", ", "-", StringComparison.Ordinal).Replace(' ', '_'));
            Directory.CreateDirectory(path);
            using RunRecorder recorder = RunRecorder.Start(path);
            recorder.Text("gradients", 0, VerbatimText.Block(GradientText.Render([table])));
            foreach (IGrouping<double, GradientRow> rows in table.Rows.GroupBy(row => row.Temperature ?? 0).OrderBy(rows => rows.Key))
            {
                recorder.Scalars((long)Math.Round(rows.Key * Thousandths), "gradients", [.. rows.SelectMany(Scalars)]);
            }

            _ = recorder.Flush();
        }
    }

    private static IEnumerable<(string Tag, double Value)> Scalars(GradientRow row)
    {
        string name = (row.Estimator + (row.Feedback is { } feedback ? $"-{feedback}" : ""))
            .Replace(", ", "-", StringComparison.Ordinal).Replace(' ', '_').ToLowerInvariant();
        return
        [
            ($"relative_bias/{name}", row.Quality.RelativeBias.Value), ($"cosine/{name}", row.Quality.Cosine.Value),
                ($"norm_ratio/{name}", row.Quality.NormRatio.Value),
            ($"variance/{name}", row.Quality.Variance.Value), ($"mean_squared_error/{name}", row.Quality.MeanSquaredError.Value),
        ];
    }
}
