using System.Globalization;

namespace GumbelGan.Primer;

/// <summary>Numbers as the cells of a table.</summary>
internal static class Numbers
{
    /// <summary>A row: its heading, then numbers in one format.</summary>
    public static string[] Row(string heading, string format, params double[] numbers) =>
        [heading, .. numbers.Select(number => number.ToString(format, CultureInfo.InvariantCulture))];

    /// <summary>A row: its heading, then numbers in one format.</summary>
    public static string[] Row(string heading, string format, float[] numbers) => Row(heading, format, [.. numbers.Select(number => (double)number)]);
}
