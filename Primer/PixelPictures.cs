using System.Globalization;
using System.Text;
using GumbelGan.Evaluation.Report;

namespace GumbelGan.Primer;

/// <summary>Rows of small grey pictures, drawn as SVG inside a page: they need no script and follow the page's colours.</summary>
/// <param name="Title">The title above them.</param>
/// <param name="Width">The width of one picture in pixels.</param>
/// <param name="Rows">The rows, each a label and its pictures. A picture is its pixels row by row, from 0 (paper) to 1 (full ink).</param>
public sealed record PixelPictures(string Title, int Width, IReadOnlyList<(string Label, IReadOnlyList<float[]> Pictures)> Rows)
{
    // Pixels with less ink than this are left out: they cannot be seen, and make the page larger.
    private const float Visible = 0.03f;

    internal void AppendTo(StringBuilder page)
    {
        page.Append("<figure class=\"pixels\"><figcaption>").Append(ReportPage.Text(Title)).Append("</figcaption>\n");
        foreach ((string label, IReadOnlyList<float[]> pictures) in Rows)
        {
            page.Append("<div><span>").Append(ReportPage.Text(label)).Append("</span>");
            foreach (float[] picture in pictures)
            {
                AppendPicture(page, picture);
            }

            page.Append("</div>\n");
        }

        page.Append("</figure>\n");
    }

    private void AppendPicture(StringBuilder page, float[] picture)
    {
        page.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {Width} {picture.Length / Width}\" role=\"img\" aria-label=\"picture\">");
        for (int i = 0; i < picture.Length; i++)
        {
            if (picture[i] > Visible)
            {
                string ink = picture[i] > 1 - Visible ? "" : string.Create(CultureInfo.InvariantCulture, $" fill-opacity=\"{picture[i]:0.##}\"");
                page.Append(CultureInfo.InvariantCulture, $"<rect x=\"{i % Width}\" y=\"{i / Width}\" width=\"1\" height=\"1\"{ink}/>");
            }
        }

        page.Append("</svg>");
    }
}
