using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using GumbelGan.Evaluation.Report;

namespace GumbelGan.Primer;

/// <summary>
/// The text of the chapters. It is written in a subset of Markdown: headings, paragraphs, lists, fenced blocks, `code`, *emphasis*,
/// **strong** and [links](address). <c>{name:format}</c> is a number of the notebook, and a line <c>![name]</c> one of its exhibits.
/// </summary>
internal static partial class PrimerText
{
    /// <summary>The text of a file that is embedded in the assembly.</summary>
    public static string Resource(string file)
    {
        Assembly assembly = typeof(PrimerText).Assembly;
        string resource = assembly.GetManifestResourceNames().Single(candidate => candidate.EndsWith("." + file, StringComparison.Ordinal));
        using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
        return reader.ReadToEnd();
    }

    /// <summary>A chapter's text, before its numbers are filled in.</summary>
    public static string Source(Chapter chapter) => Resource($"{chapter.Name}.md");

    /// <summary>A chapter's text with the numbers of its notebook, as Markdown.</summary>
    public static string Markdown(Notebook notebook) =>
        ExhibitLine().Replace(WithNumbers(notebook), match => notebook.Exhibits[match.Groups["name"].Value].ToMarkdown()).Trim('\n');

    /// <summary>Appends what stands before the first chapter to an HTML page.</summary>
    public static void AppendIntroduction(StringBuilder page) => page.AppendJoin('\n', Blocks(Resource("introduction.md")).Select(Html)).Append('\n');

    /// <summary>Appends a chapter's text with its numbers and exhibits to an HTML page.</summary>
    public static void AppendTo(StringBuilder page, Notebook notebook, ChartLibrary? charts)
    {
        foreach (string block in Blocks(WithNumbers(notebook)))
        {
            if (ExhibitLine().Match(block) is { Success: true } exhibit)
            {
                string name = exhibit.Groups["name"].Value;
                notebook.Exhibits[name].AppendTo(page, Place(notebook, name), charts);
            }
            else
            {
                page.Append(Html(block)).Append('\n');
            }
        }
    }

    /// <summary>The id of the element in which an exhibit stands.</summary>
    public static string Place(Notebook notebook, string exhibit) => $"{notebook.Chapter.Name}-{exhibit.Replace('_', '-')}";

    private static string WithNumbers(Notebook notebook) => Placeholder().Replace(
        Source(notebook.Chapter),
        match => notebook.Numbers[match.Groups["name"].Value].ToString(match.Groups["format"].Value, CultureInfo.InvariantCulture));

    // Blocks are separated by an empty line, but a fenced block may contain some.
    private static IEnumerable<string> Blocks(string text) => Block().Matches(text).Select(match => match.Value.Trim('\n'));

    private static string Html(string block)
    {
        if (block.StartsWith("```", StringComparison.Ordinal))
        {
            string[] lines = block.Split('\n');
            return $"<div class=\"scroll\" tabindex=\"0\"><pre><code>{ReportPage.Text(string.Join('\n', lines[1..^1]))}</code></pre></div>";
        }

        if (block.StartsWith("### ", StringComparison.Ordinal))
        {
            return $"<h3>{Inline(block[4..])}</h3>";
        }

        return block.StartsWith("- ", StringComparison.Ordinal)
            ? $"<ul><li>{string.Join("</li><li>", block[2..].Split("\n- ").Select(Inline))}</li></ul>"
            : $"<p>{Inline(block)}</p>";
    }

    private static string Inline(string text)
    {
        string html = CodeSpan().Replace(ReportPage.Text(text), "<code>$1</code>");
        html = Strong().Replace(html, "<strong>$1</strong>");
        html = Emphasis().Replace(html, "<em>$1</em>");
        return Link().Replace(html, "<a href=\"$2\">$1</a>");
    }

    [GeneratedRegex(@"\{(?<name>[a-z0-9_]+):(?<format>[^}]+)\}")]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"^!\[(?<name>[a-z0-9_]+)\]$", RegexOptions.Multiline)]
    private static partial Regex ExhibitLine();

    [GeneratedRegex(@"^```[^\n]*\n.*?^```$|^(?!```)(?:[^\n]+\n?)+", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex CodeSpan();

    [GeneratedRegex(@"\*\*([^*]+)\*\*")]
    private static partial Regex Strong();

    [GeneratedRegex(@"(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])")]
    private static partial Regex Emphasis();

    [GeneratedRegex(@"\[([^\]]+)\]\(([^)\s]+)\)")]
    private static partial Regex Link();
}
