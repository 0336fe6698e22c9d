using GumbelGan.Training.Configuration;

namespace GumbelGan.Cli;

/// <summary>The list of configuration keys under a command's help; every word comes from the configuration records themselves.</summary>
internal static class ConfigurationHelp
{
    private const int Width = 110;

    public static void Write(TextWriter output, IReadOnlyList<ConfigurationKey> keys, string title = "Configuration keys (in YAML, or with --set):")
    {
        output.WriteLine(title);
        foreach (ConfigurationKey key in keys)
        {
            output.WriteLine($"  {key.Path} = {key.Default}");
            WriteWrapped(output, key.Documentation.Length > 0 ? $"{key.Documentation} ({key.Type})" : $"({key.Type})");
        }

        output.WriteLine();
    }

    private static void WriteWrapped(TextWriter output, string text)
    {
        const string Indentation = "      ";
        string line = Indentation;
        foreach (string word in text.Split(' '))
        {
            if (line.Length > Indentation.Length && line.Length + 1 + word.Length > Width)
            {
                output.WriteLine(line);
                line = Indentation;
            }

            line += line.Length == Indentation.Length ? word : " " + word;
        }

        output.WriteLine(line);
    }
}
