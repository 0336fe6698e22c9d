using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;
using GumbelGan.Training.Configuration;

namespace GumbelGan.Cli.Parsing;

/// <summary>The numbers that an option takes.</summary>
/// <param name="atLeast">The least, or null.</param>
/// <param name="atMost">The most, or null.</param>
internal sealed class NumberRange<T>(T? atLeast, T? atMost)
    where T : struct, INumber<T>
{
    /// <summary>The number in <paramref name="text"/>, or null and an error at <paramref name="result"/>.</summary>
    public T? Read(string option, SymbolResult result, string text)
    {
        if (StrictNumber.TryParse(text, out T value) && !(value < atLeast) && !(value > atMost))
        {
            return value;
        }

        result.AddError($"{option} must be {InWords()}, not '{text}'");
        return null;
    }

    /// <summary>The number in a text that <see cref="Read"/> took.</summary>
    public static T Parse(string text) => StrictNumber.TryParse(text, out T value) ? value : throw new FormatException(text);

    /// <summary><paramref name="value"/> as it is typed.</summary>
    public static string Text(T value) => value.ToString(null, CultureInfo.InvariantCulture);

    private string InWords()
    {
        string kind = StrictNumber.IsWhole<T>() ? "a whole number" : "a number";
        return (atLeast, atMost) switch
        {
            ({ } least, { } most) => $"{kind} from {Text(least)} to {Text(most)}",
            ({ } least, null) => $"{kind} of at least {Text(least)}",
            (null, { } most) => $"{kind} of at most {Text(most)}",
            _ => kind,
        };
    }
}
