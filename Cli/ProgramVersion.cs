using System.CommandLine;
using System.CommandLine.Invocation;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using GumbelGan.Engine;

namespace GumbelGan.Cli;

/// <summary>Which program this is, and what is underneath.</summary>
internal static class ProgramVersion
{
    /// <summary>The version and, where the build knew it, the commit of the source.</summary>
    public static string Program
    {
        get
        {
            // 1.2.3+commit, as the SDK writes it.
            string[] parts = typeof(ProgramVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion
                .Split('+', 2);
            return parts.Length == 1 ? parts[0] : $"{parts[0]} (commit {parts[1]})";
        }
    }

    /// <summary>The engine's version, or that it does not load: people ask for versions when something does not work.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "Whatever keeps the engine from loading must not keep the rest from being told.")]
    private static string Libtorch
    {
        get
        {
            try
            {
                return EngineSettings.LibtorchVersion;
            }
            catch (Exception)
            {
                return "cannot be loaded (see 'gumbelgan doctor')";
            }
        }
    }

    /// <summary>What <c>--version</c> does.</summary>
    public sealed class Action : SynchronousCommandLineAction
    {
        /// <inheritdoc/>
        public override int Invoke(ParseResult parseResult)
        {
            TextWriter output = parseResult.InvocationConfiguration.Output;
            output.WriteLine($"gumbelgan {Program}");
            output.WriteLine($"TorchSharp {EngineSettings.TorchSharpVersion}, libtorch {Libtorch}");
            return ExitCode.Done;
        }
    }
}
