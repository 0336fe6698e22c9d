using System.Reflection;
using GumbelGan.Storage;

namespace GumbelGan.Training.Configuration;

/// <summary>The configurations that come with the program: Training/recipes/*.yaml, inside the assembly.</summary>
public static class Recipes
{
    private const string Prefix = "recipes.";
    private static readonly Assembly _assembly = typeof(Recipes).Assembly;

    /// <summary>Their names, in order.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. _assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(name => Path.GetFileNameWithoutExtension(name[Prefix.Length..])).Order(StringComparer.Ordinal)];

    /// <summary>The recipe called <paramref name="name"/>.</summary>
    /// <exception cref="UserMistakeException">There is none.</exception>
    public static ConfigurationLayer Load(string name)
    {
        using Stream? stream = _assembly.GetManifestResourceStream($"{Prefix}{name}.yaml");
        if (stream is null)
        {
            throw new UserMistakeException($"There is no recipe '{name}'; the recipes are {string.Join(", ", Names)}.");
        }

        using var reader = new StreamReader(stream);
        return new ConfigurationLayer($"recipe {name}", reader.ReadToEnd());
    }
}
