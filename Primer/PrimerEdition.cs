using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using GumbelGan.Evaluation.Report;

namespace GumbelGan.Primer;

/// <summary>The primer as an HTML page, as a Markdown document and as JSON, from the notebooks of one run.</summary>
/// <param name="Seed">The seed of all randomness.</param>
/// <param name="Notebooks">The notebooks of the chapters that were run, in the order of reading.</param>
public sealed record PrimerEdition(ulong Seed, IReadOnlyList<Notebook> Notebooks)
{
    /// <summary>The command that wrote the page, which the page names.</summary>
    public const string Generator = $"gumbelgan {Name}";

    private const string Name = "primer";

    private const string Title = "The Gumbel trick: a primer";

    private double Seconds => Notebooks.Sum(notebook => notebook.Seconds);

    /// <summary>One self-contained HTML page.</summary>
    public string ToHtml(ChartLibrary? charts)
    {
        var page = new StringBuilder($"<header class=\"prose\">\n<h1>{Title}</h1>\n");
        PrimerText.AppendIntroduction(page);
        page.Append(CultureInfo.InvariantCulture, $"<p class=\"cost\">Written by {Generator}, seed {Seed}; ");
        page.Append(CultureInfo.InvariantCulture, $"all of it took {Seconds:0.0} seconds.</p>\n<nav>");
        foreach (Notebook notebook in Notebooks)
        {
            page.Append(CultureInfo.InvariantCulture, $"<a href=\"#{notebook.Chapter.Name}\">{Heading(notebook)}</a> ");
        }

        page.Append("</nav>\n</header>\n");
        foreach (Notebook notebook in Notebooks)
        {
            page.Append($"<section class=\"prose\" id=\"{notebook.Chapter.Name}\">\n<h2>{Heading(notebook)}</h2>\n");
            PrimerText.AppendTo(page, notebook, charts);
            page.Append(CultureInfo.InvariantCulture, $"<p class=\"cost\">This chapter took {notebook.Seconds:0.0} seconds.</p>\n");
            page.Append("</section>\n");
        }

        JsonArray drawn = new([.. Notebooks.SelectMany(notebook => notebook.Exhibits.Where(exhibit => exhibit.Value is ChartExhibit)
            .Select(exhibit => (JsonNode)((ChartExhibit)exhibit.Value).Chart.ToJson(PrimerText.Place(notebook, exhibit.Key))))]);
        return ReportPage.Render(Title, Generator, page, charts, new JsonObject { ["charts"] = drawn });
    }

    /// <summary>The document docs/primer.md: the same text and numbers, tables and code, without the plots.</summary>
    public string ToMarkdown()
    {
        var document = new StringBuilder($"# {Title}\n\n{PrimerText.Resource("introduction.md").Trim()}\n\n");
        string command = string.Create(CultureInfo.InvariantCulture, $"bin/gumbelgan {Name} --seed {Seed}");
        document.Append(CultureInfo.InvariantCulture, $"`{command} --markdown docs/primer.md` wrote this document, and `runs/primer.html`, ");
        document.Append("a page with the same text and all plots.\n");
        document.Append(CultureInfo.InvariantCulture, $"All of it took {Seconds:0.0} seconds.\n");
        foreach (Notebook notebook in Notebooks)
        {
            document.Append(CultureInfo.InvariantCulture, $"\n## {Heading(notebook)}\n\n{PrimerText.Markdown(notebook)}\n\n");
            document.Append(CultureInfo.InvariantCulture, $"*`{command} --only {notebook.Chapter.Name}` took {notebook.Seconds:0.0} seconds.*\n");
        }

        return document.ToString();
    }

    /// <summary>The numbers: <c>{"seed", "seconds", "chapters": [{"name", "title", "seconds", "numbers": {...}}]}</c>.</summary>
    public JsonObject ToJson() => new()
    {
        ["seed"] = Seed,
        ["seconds"] = Seconds,
        ["chapters"] = new JsonArray([.. Notebooks.Select(notebook => (JsonNode)new JsonObject
        {
            ["name"] = notebook.Chapter.Name,
            ["title"] = notebook.Chapter.Title,
            ["seconds"] = notebook.Seconds,
            ["numbers"] = new JsonObject(notebook.Numbers.Select(number => KeyValuePair.Create(number.Key, (JsonNode?)number.Value))),
        })]),
    };

    // A chapter has its number in the whole primer, also where only some were run.
    private static string Heading(Notebook notebook)
    {
        int before = Chapter.All.TakeWhile(chapter => chapter.Name != notebook.Chapter.Name).Count();
        return string.Create(CultureInfo.InvariantCulture, $"{before + 1}. {notebook.Chapter.Title}");
    }
}
