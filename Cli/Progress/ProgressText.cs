using System.Globalization;
using System.Text;
using Spectre.Console;

namespace GumbelGan.Cli.Progress;

/// <summary>Numbers, durations, sparklines and foreign text as progress shows them.</summary>
internal static class ProgressText
{
    private const string Blocks = "▁▂▃▄▅▆▇█";
    private const string PlainBlocks = "_.-=+*#@";

    /// <summary>Four significant digits, invariant.</summary>
    public static string Number(double value) => value.ToString("G4", CultureInfo.InvariantCulture);

    /// <summary>"45 s", "3 min 20 s", "2 h 05 min".</summary>
    public static string Duration(TimeSpan time)
    {
        long seconds = (long)Math.Ceiling(Math.Max(0, time.TotalSeconds));
        return seconds switch
        {
            < 60 => FormattableString.Invariant($"{seconds} s"),
            < 3600 => FormattableString.Invariant($"{seconds / 60} min {seconds % 60:00} s"),
            _ => FormattableString.Invariant($"{seconds / 3600} h {seconds % 3600 / 60:00} min"),
        };
    }

    /// <summary>
    /// The last <paramref name="width"/> of <paramref name="values"/> as bars between their least and greatest; what is not finite is a blank.
    /// </summary>
    public static string Sparkline(IReadOnlyList<double> values, int width, bool isUnicode)
    {
        double[] shown = [.. values.TakeLast(width)];
        double[] finite = [.. shown.Where(double.IsFinite)];
        if (finite.Length == 0)
        {
            return new string(' ', shown.Length);
        }

        string bars = isUnicode ? Blocks : PlainBlocks;
        double least = finite.Min();
        double spread = finite.Max() - least;
        return string.Concat(shown.Select(value => !double.IsFinite(value) ? ' '
            : bars[spread > 0 ? (int)Math.Min(bars.Length - 1, (value - least) / spread * bars.Length) : 0]));
    }

    /// <summary>A bar of <paramref name="width"/> columns filled to <paramref name="part"/> (0 to 1).</summary>
    public static string Bar(double part, int width, bool isUnicode)
    {
        int filled = (int)Math.Round(Math.Clamp(part, 0, 1) * width);
        return isUnicode ? new string('━', filled) + new string('─', width - filled) : new string('#', filled) + new string('.', width - filled);
    }

    /// <summary><paramref name="text"/> if it fits into <paramref name="width"/> columns, else its beginning and an ellipsis.</summary>
    public static string Cut(string text, int width, bool isUnicode)
    {
        string ellipsis = isUnicode ? "…" : "...";
        if (text.GetCellWidth() <= width)
        {
            return text;
        }

        var kept = new StringBuilder();
        int columns = ellipsis.Length;
        foreach (Rune rune in text.EnumerateRunes())
        {
            columns += rune.ToString().GetCellWidth();
            if (columns > width)
            {
                break;
            }

            kept.Append(rune);
        }

        return kept.Append(ellipsis).ToString();
    }
}
