using System.Collections;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using GumbelGan.Storage;

namespace GumbelGan.Training.Configuration;

/// <summary>
/// Writes a configuration as YAML that <see cref="ConfigurationReader"/> reads back to the same values. The text is canonical: every
/// key, in the order of declaration, so two configurations are equal exactly if their texts are.
/// </summary>
public static partial class ConfigurationWriter
{
    private const int CommentWidth = 110;

    /// <summary>The YAML of <paramref name="configuration"/>; if <paramref name="explained"/>, with each key's documentation above it.</summary>
    public static string Write(object configuration, bool explained = false)
    {
        var text = new StringBuilder();
        WriteSection(text, configuration, "", explained ? new DocumentationFiles() : null);
        return text.ToString();
    }

    /// <summary>Every key with its value: "generator.hidden" to "64".</summary>
    public static IReadOnlyDictionary<string, string> Flat(object configuration)
    {
        var flat = new Dictionary<string, string>(StringComparer.Ordinal);
        Flatten(flat, configuration, "");
        return flat;
    }

    private static void Flatten(Dictionary<string, string> flat, object section, string prefix)
    {
        foreach (ConfigurationProperty property in ConfigurationProperty.Of(section.GetType()))
        {
            object? value = property.Property.GetValue(section);
            string key = prefix + property.Name;
            if (property.Section is null)
            {
                flat[key] = Value(value);
                continue;
            }

            if (property.Kinds is not null)
            {
                flat[$"{key}.{ConfigurationProperty.KindKey}"] = ConfigurationProperty.KindOf(value!).Name;
            }

            Flatten(flat, value!, key + ".");
        }
    }

    /// <summary>One value as YAML: <c>null</c>, a plain or quoted scalar, or a list in brackets.</summary>
    internal static string Value(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        double number => Number(number),
        INamedKind kind => kind.Name,
        Enum choice => ConfigurationProperty.SnakeCase(choice.ToString()),
        string text => Text(text),
        IEnumerable items => $"[{string.Join(", ", items.Cast<object?>().Select(Value))}]",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static void WriteSection(StringBuilder text, object section, string indentation, DocumentationFiles? documentation)
    {
        foreach (ConfigurationProperty property in ConfigurationProperty.Of(section.GetType()))
        {
            if (documentation is not null)
            {
                WriteComment(text, documentation.Summary(property.Property), indentation);
            }

            object? value = property.Property.GetValue(section);
            text.Append(indentation).Append(property.Name).Append(':');
            if (property.Section is null)
            {
                text.Append(' ').Append(Value(value)).Append('\n');
            }
            else if (property.Kinds is not null && ConfigurationProperty.Of(value!.GetType()).Count == 0)
            {
                text.Append(' ').Append(ConfigurationProperty.KindOf(value).Name).Append('\n');
            }
            else
            {
                text.Append('\n');
                if (property.Kinds is not null)
                {
                    text.Append(indentation).Append("  ").Append(ConfigurationProperty.KindKey)
                        .Append(": ").Append(ConfigurationProperty.KindOf(value!).Name).Append('\n');
                }

                WriteSection(text, value!, indentation + "  ", documentation);
            }
        }
    }

    private static void WriteComment(StringBuilder text, string comment, string indentation)
    {
        var line = new StringBuilder();
        foreach (string word in comment.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length > 0 && indentation.Length + line.Length + word.Length + 3 > CommentWidth)
            {
                text.Append(indentation).Append('#').Append(line).Append('\n');
                line.Clear();
            }

            line.Append(' ').Append(word);
        }

        if (line.Length > 0)
        {
            text.Append(indentation).Append('#').Append(line).Append('\n');
        }
    }

    // The shortest digits that read back exactly, always with a point: without one, YAML 1.1 readers such as PyYAML take 1e-05 for text.
    private static string Number(double number)
    {
        string digits = number.ToString("R", CultureInfo.InvariantCulture).ToLowerInvariant();
        int exponent = digits.IndexOf('e', StringComparison.Ordinal);
        string mantissa = exponent < 0 ? digits : digits[..exponent];
        return (mantissa.Contains('.', StringComparison.Ordinal) ? mantissa : mantissa + ".0") + (exponent < 0 ? "" : digits[exponent..]);
    }

    private static string Text(string text)
    {
        if (PlainText().IsMatch(text) && !MeansSomethingElse().IsMatch(text))
        {
            return text;
        }

        var quoted = new StringBuilder("\"");
        foreach (Rune rune in text.EnumerateRunes())
        {
            bool isOrdinary = rune.Value is >= ' ' and <= '~' || (rune.IsBmp && Rune.IsLetterOrDigit(rune));
            quoted.Append(rune.Value switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\t' => "\\t",
                _ when isOrdinary => rune.ToString(),
                _ => FormattableString.Invariant($"\\U{rune.Value:X8}"),
            });
        }

        return quoted.Append('"').ToString();
    }

    [GeneratedRegex(@"\A[A-Za-z0-9_./][A-Za-z0-9_./+-]*\z")]
    private static partial Regex PlainText();

    // What YAML 1.1 or 1.2 readers take for null, a truth value, a number or a date.
    [GeneratedRegex(@"\A(null|true|false|yes|no|on|off|y|n|[0-9.+-].*)\z", RegexOptions.IgnoreCase)]
    private static partial Regex MeansSomethingElse();
}
