namespace GumbelGan.Cli.Printing;

/// <summary>Prints the results of a command for a program or for a person.</summary>
internal static class ResultPrinter
{
    /// <summary>Prints one JSON document and nothing else, or tables.</summary>
    /// <param name="surroundings">Where results go.</param>
    /// <param name="isJson">Whether <c>--json</c> is given.</param>
    /// <param name="document">The document as text.</param>
    /// <param name="tables">Writes the tables.</param>
    public static void Print(this Surroundings surroundings, bool isJson, Func<string> document, Action<TableWriter> tables)
    {
        if (isJson)
        {
            surroundings.Output.WriteLine(document());
        }
        else
        {
            tables(new TableWriter(surroundings));
        }
    }
}
