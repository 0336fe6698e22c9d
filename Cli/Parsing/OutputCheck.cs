using System.CommandLine;
using GumbelGan.Storage;

namespace GumbelGan.Cli.Parsing;

/// <summary>Keeps a command from writing over what it reads.</summary>
internal sealed class OutputCheck
{
    private readonly List<(FileUse Use, string Name, Func<ParseResult, IEnumerable<string>> Paths)> _words = [];

    /// <summary>Adds a word of the command line, and the paths that it stands for.</summary>
    public void Add(FileUse use, string name, Func<ParseResult, IEnumerable<string>> paths)
    {
        if (use != FileUse.None)
        {
            _words.Add((use, name, paths));
        }
    }

    /// <summary>Checks before anything is read.</summary>
    /// <exception cref="UserMistakeException">
    /// A name is empty, two outputs are one file, or a file to be written is one to be read, by whatever name or link.
    /// </exception>
    public void Refuse(ParseResult parsed)
    {
        foreach ((_, string name, Func<ParseResult, IEnumerable<string>> paths) in _words)
        {
            if (paths(parsed).Any(path => path.Length == 0))
            {
                throw new UserMistakeException($"The name that {name} gives is empty; name a file or a folder.");
            }
        }

        var outputs = _words.Where(word => word.Use == FileUse.Write)
            .SelectMany(word => word.Paths(parsed).Select(path => (word.Name, Path: Path.GetFullPath(path)))).ToList();
        if (outputs.GroupBy(output => output.Path, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } same)
        {
            throw new UserMistakeException($"{string.Join(" and ", same.Select(output => output.Name))} name one file, {same.Key}; name two.");
        }

        string[] inputs = [.. _words.Where(word => word.Use == FileUse.Read).SelectMany(word => word.Paths(parsed))];
        foreach ((_, string name, Func<ParseResult, IEnumerable<string>> paths) in _words.Where(word => word.Use == FileUse.Write))
        {
            foreach (string output in paths(parsed))
            {
                if (Array.Find(inputs, input => FileIdentity.WouldReplace(output, input)) is { } input)
                {
                    throw new UserMistakeException($"{(name.Length > 0 ? name + ' ' : "")}{output} would be written over {input}, which is read; "
                        + "name another file to write.");
                }
            }
        }
    }
}
