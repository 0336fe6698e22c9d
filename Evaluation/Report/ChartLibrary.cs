namespace GumbelGan.Evaluation.Report;

/// <summary>The chart library uPlot (MIT), as npm installed it; the report carries it inside itself.</summary>
/// <param name="Script">uPlot.iife.min.js.</param>
/// <param name="Style">uPlot.min.css.</param>
public sealed record ChartLibrary(string Script, string Style)
{
    /// <summary>How a user gets the charts, one sentence.</summary>
    public const string HowToGet =
        "Charts are missing because uPlot is not installed: run scripts/charts.sh (it needs npm), then write the report again.";

    /// <summary>Looks for node_modules/uplot in each of <paramref name="folders"/> and in the folders above it.</summary>
    /// <param name="folders">Where to begin, usually the program's own folder and the current one.</param>
    /// <returns>The library, or null where it is not installed.</returns>
    public static ChartLibrary? Find(params IEnumerable<string> folders)
    {
        foreach (string folder in folders)
        {
            for (string? above = Path.GetFullPath(folder); above is not null; above = Path.GetDirectoryName(above))
            {
                string distribution = Path.Combine(above, "node_modules", "uplot", "dist");
                string script = Path.Combine(distribution, "uPlot.iife.min.js"), style = Path.Combine(distribution, "uPlot.min.css");
                if (File.Exists(script) && File.Exists(style))
                {
                    return new ChartLibrary(File.ReadAllText(script), File.ReadAllText(style));
                }
            }
        }

        return null;
    }
}
