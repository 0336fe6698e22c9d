using System.Text;
using GumbelGan.Evaluation.Report;

namespace GumbelGan.Primer;

/// <summary>Something to look at in a chapter, on the page and in the document.</summary>
public abstract record Exhibit
{
    /// <summary>Appends it to the HTML page.</summary>
    /// <param name="page">The page so far.</param>
    /// <param name="place">The id of the element it stands in.</param>
    /// <param name="charts">The chart library, or null.</param>
    internal abstract void AppendTo(StringBuilder page, string place, ChartLibrary? charts);

    /// <summary>As Markdown; where only a page can show it, its title.</summary>
    internal abstract string ToMarkdown();
}

/// <summary>A chart.</summary>
internal sealed record ChartExhibit(LineChart Chart) : Exhibit
{
    internal override void AppendTo(StringBuilder page, string place, ChartLibrary? charts) => ReportPage.AppendCharts(page, place, charts);

    internal override string ToMarkdown() => $"*Plot on the page: {Chart.Title}.*";
}

/// <summary>A table: headings, then rows.</summary>
internal sealed record TableExhibit(string[][] Rows) : Exhibit
{
    internal override void AppendTo(StringBuilder page, string place, ChartLibrary? charts) => ReportPage.AppendTable(page, Rows);

    internal override string ToMarkdown()
    {
        string rule = "|" + string.Concat(Enumerable.Repeat("---|", Rows[0].Length));
        return string.Join('\n', [Row(Rows[0]), rule, .. Rows.Skip(1).Select(Row)]);
    }

    private static string Row(string[] cells) => $"| {string.Join(" | ", cells)} |";
}

/// <summary>Small pictures.</summary>
internal sealed record PictureExhibit(PixelPictures Pictures) : Exhibit
{
    internal override void AppendTo(StringBuilder page, string place, ChartLibrary? charts) => Pictures.AppendTo(page);

    internal override string ToMarkdown() => $"*Pictures on the page: {Pictures.Title}.*";
}

/// <summary>A program.</summary>
internal sealed record CodeExhibit(string Source) : Exhibit
{
    internal override void AppendTo(StringBuilder page, string place, ChartLibrary? charts) =>
        page.Append("<div class=\"scroll\" tabindex=\"0\"><pre><code>").Append(ReportPage.Text(Source)).Append("</code></pre></div>\n");

    internal override string ToMarkdown() => $"```csharp\n{Source}```";
}
