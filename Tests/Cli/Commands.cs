using System.CommandLine;
using GumbelGan.Cli;

namespace GumbelGan.Tests.Cli;

/// <summary>Every command of the program.</summary>
internal static class Commands
{
    /// <summary>All that do something, each with the words that call it.</summary>
    public static IEnumerable<(string Path, Command Command)> All()
    {
        return Below(GumbelGanProgram.CreateRoot(Surroundings.Of(TextWriter.Null, TextWriter.Null, CancellationToken.None)), "");

        static IEnumerable<(string, Command)> Below(Command command, string path) => command.Subcommands.SelectMany(sub =>
            sub.Subcommands.Count > 0 ? Below(sub, $"{path}{sub.Name} ") : [($"{path}{sub.Name}", sub)]);
    }
}
