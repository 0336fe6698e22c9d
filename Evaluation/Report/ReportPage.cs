using System.Net;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace GumbelGan.Evaluation.Report;

/// <summary>
/// The frame of an HTML page that needs nothing else: styles, chart library and data are inside. Its content security policy forbids
/// every request and every script but the two it carries, so text from a corpus or a run cannot make a browser do anything.
/// </summary>
public static class ReportPage
{
    /// <summary>The page around a body.</summary>
    /// <param name="title">Of the window.</param>
    /// <param name="generator">Which command wrote it, or null: a later one recognises its own page by <see cref="Mark"/>.</param>
    /// <param name="body">HTML, its texts escaped.</param>
    /// <param name="charts">The chart library; null for a page without charts.</param>
    /// <param name="data">What report.js draws.</param>
    public static string Render(string title, string? generator, StringBuilder body, ChartLibrary? charts, JsonObject data)
    {
        string script = Resource("report.js");
        var page = new StringBuilder("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        string scripts = charts is null ? "'none'" : $"{Hash(charts.Script)} {Hash(script)}";
        page.Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
            + "script-src ")
            .Append(scripts).Append("\">\n");
        page.Append(generator is null ? "" : Mark(generator) + "\n");
        page.Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light "
            + "dark\">\n");
        page.Append("<link rel=\"icon\" href=\"data:,\">\n<title>").Append(Text(title)).Append("</title>\n<style>").Append(charts?.Style)
            .Append(Resource("report.css")).Append("</style>\n</head>\n<body>\n").Append(body);
        if (charts is not null)
        {
            // The default encoder of System.Text.Json writes <, > and & as escapes, so the data cannot close the element.
            page.Append("<script type=\"application/json\" id=\"data\">").Append(data.ToJsonString()).Append("</script>\n");
            page.Append("<script>").Append(charts.Script).Append("</script>\n<script>").Append(script).Append("</script>\n");
        }

        return page.Append("</body>\n</html>\n").ToString();
    }

    /// <summary>The element by which a page says which command wrote it.</summary>
    public static string Mark(string generator) => $"<meta name=\"generator\" content=\"{Text(generator)}\">";

    /// <summary>Appends a table that scrolls by itself where the window is narrow.</summary>
    /// <param name="page">Where to.</param>
    /// <param name="rows">The headings, then the rows, each as long as the headings.</param>
    public static void AppendTable(StringBuilder page, IReadOnlyList<string[]> rows)
    {
        page.Append("<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr>");
        foreach (string heading in rows[0])
        {
            page.Append("<th scope=\"col\">").Append(Text(heading)).Append("</th>");
        }

        page.Append("</tr></thead>\n<tbody>\n");
        foreach (string[] row in rows.Skip(1))
        {
            page.Append("<tr><th scope=\"row\">").Append(Text(row[0])).Append("</th>");
            foreach (string cell in row[1..])
            {
                page.Append("<td>").Append(Text(cell)).Append("</td>");
            }

            page.Append("</tr>\n");
        }

        page.Append("</tbody></table></div>\n");
    }

    /// <summary>
    /// Appends the place where report.js draws the charts of <paramref name="place"/>, or how to get charts where there is no library.
    /// </summary>
    public static void AppendCharts(StringBuilder page, string place, ChartLibrary? charts) =>
        page.Append(charts is null
            ? $"<p class=\"warning\">{Text(ChartLibrary.HowToGet)}</p>\n" : $"<div class=\"charts\" id=\"{Text(place)}\"></div>\n");

    /// <summary>A text as HTML.</summary>
    public static string Text(string text) => WebUtility.HtmlEncode(text);

    private static string Hash(string script) => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(script)))}'";

    private static string Resource(string name)
    {
        Assembly assembly = typeof(ReportPage).Assembly;
        string resource = assembly.GetManifestResourceNames().Single(candidate => candidate.EndsWith("." + name, StringComparison.Ordinal));
        using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
        return reader.ReadToEnd();
    }
}
