using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using GumbelGan.Training.Configuration;

namespace GumbelGan.Cli;

/// <summary>Says in one sentence what is wrong with a command line, and what was probably meant.</summary>
internal static partial class ParseErrorSentence
{
    public static string For(ParseResult result)
    {
        Command command = result.CommandResult.Command;
        string commandLine = FullName(result.CommandResult);
        string hint = $"see '{commandLine} --help'.";
        // A misspelt word explains the "missing" ones after it, so it comes first.
        if (MisspeltOption(result) is { } option)
        {
            return $"'{commandLine}' has no option {option}; did you mean {NearestName.Among(OptionNames(result.CommandResult), option)}? "
                + $"S{hint[1..]}";
        }

        if (result.UnmatchedTokens is [string stray, ..])
        {
            return command.Subcommands.Count > 0
                ? $"'{commandLine}' has no command '{stray}'; did you mean "
                    + $"'{NearestName.Among(command.Subcommands.Select(sub => sub.Name), stray)}'? S{hint[1..]}"
                : $"'{commandLine}' does not take '{stray}'; {hint}";
        }

        ParseError error = result.Errors[0];
        if (command.Subcommands.Count > 0 && command.Action is null)
        {
            return $"Say what '{commandLine}' should do ({string.Join(", ", command.Subcommands.Select(sub => sub.Name))}); {hint}";
        }

        if (error.SymbolResult is ArgumentResult { Tokens.Count: 0 } missing && missing.Parent is CommandResult)
        {
            return $"'{commandLine}' needs <{missing.Argument.HelpName ?? missing.Argument.Name}>; {hint}";
        }

        return $"{ClrType().Replace(error.Message.ReplaceLineEndings(" ").TrimEnd('.', ' '), InWords)}; {hint}";
    }

    /// <summary>
    /// The first word that looks like an option and is none, or null. The parser would take such a word for an argument where one is
    /// expected, and <c>runs --jsno</c> would look for a folder of that name; after <c>--</c> every word is an argument.
    /// </summary>
    public static string? MisspeltOption(ParseResult result) => result.Tokens
        .TakeWhile(token => token.Type != TokenType.DoubleDash)
        .Where((token, index) => token.Type == TokenType.Argument && token.Value.StartsWith("--", StringComparison.Ordinal)
            && (index == 0 || result.Tokens[index - 1].Type != TokenType.Option))
        .Select(token => token.Value.Split('=')[0])
        .FirstOrDefault();

    private static string FullName(CommandResult result) =>
        result.Parent is CommandResult parent ? $"{FullName(parent)} {result.Command.Name}" : result.Command.Name;

    private static IEnumerable<string> OptionNames(CommandResult result) => result.Command.Options.Select(option => option.Name)
        .Concat(result.Parent is CommandResult parent ? parent.Command.Options.Where(option => option.Recursive).Select(option => option.Name) : []);

    private static string InWords(Match match) => match.Groups["type"].Value switch
    {
        "Int32" or "Int64" or "UInt64" => "a whole number",
        "Double" or "Single" => "a number",
        "Boolean" => "true or false",
        _ => "valid",
    };

    [GeneratedRegex(@"expected type 'System\.(Nullable`1\[System\.)?(?<type>\w+)\]?'")]
    private static partial Regex ClrType();
}
