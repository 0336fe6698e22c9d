using GumbelGan.Storage;

namespace GumbelGan.Training.Configuration;

/// <summary>One value given outside any file, on the command line; it wins over every <see cref="ConfigurationLayer"/>.</summary>
/// <param name="Path">Snake-case keys joined by dots: <c>generator.hidden</c>.</param>
/// <param name="Value">The value as typed; a list is written <c>[2, 3, 4]</c>.</param>
/// <param name="Origin">What error messages call it: "--set generator.hidden=32" or "--seed".</param>
public sealed record ConfigurationAssignment(string Path, string Value, string Origin)
{
    /// <summary>Reads <c>key.path=value</c>, as <c>--set</c> takes it.</summary>
    /// <exception cref="UserMistakeException">There is no '=' or nothing before it.</exception>
    public static ConfigurationAssignment Parse(string text) => Parse(text, "--set");

    /// <summary>Reads <c>key.path=value</c>, as <paramref name="option"/> takes it.</summary>
    /// <exception cref="UserMistakeException">There is no '=' or nothing before it.</exception>
    public static ConfigurationAssignment Parse(string text, string option)
    {
        string origin = $"{option} {ConfigurationText.Shown(text)}";
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals > 0
            ? new ConfigurationAssignment(text[..equals].Trim(), text[(equals + 1)..].Trim(), origin)
            : throw new UserMistakeException(
                $"{origin}: write it as key.path=value, for example {(option == "--set" ? "--set seed=7" : $"{option} adversarial.steps=500")}.");
    }
}
