using System.Globalization;
using System.Numerics;

namespace GumbelGan.Training.Configuration;

/// <summary>
/// Numbers as people type them, read in one way everywhere: a point before decimals, no separators of thousands, nothing that is not finite.
/// </summary>
public static class StrictNumber
{
    private const NumberStyles Whole = NumberStyles.AllowLeadingSign, Real = Whole | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    /// <summary>Reads <paramref name="text"/>, every character of it.</summary>
    /// <returns>False for anything else than one finite number that <typeparamref name="T"/> holds: "0,7", "1e999", " 1", "".</returns>
    public static bool TryParse<T>(string text, out T value)
        where T : struct, INumber<T> =>
        T.TryParse(text, IsWhole<T>() ? Whole : Real, CultureInfo.InvariantCulture, out value) && T.IsFinite(value);

    /// <summary>Whether <typeparamref name="T"/> holds whole numbers only.</summary>
    public static bool IsWhole<T>()
        where T : struct, INumber<T> => T.IsInteger(T.One / (T.One + T.One));
}
